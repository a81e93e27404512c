from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

pytest.importorskip('mmdet')

from mmlogitkd.analysis.boxes import truth_of
from mmlogitkd.analysis.detectors import Detector, TestImages
from tests.tiny_two_stage import (
    CLASSES,
    build,
    detector_config,
    evaluation,
    runner_config,
    write_coco,
)


@pytest.fixture(scope='module')
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images; the second has no object, the third's only one is a crowd."""
    folder = tmp_path_factory.mktemp('detectors')
    write_coco(folder / 'coco')
    file = folder / 'coco' / 'annotations.json'
    content = json.loads(file.read_text())
    content['annotations'] = [
        each | dict(iscrowd=int(each['image_id'] == 2))
        for each in content['annotations']
        if each['image_id'] != 1
    ]
    file.write_text(json.dumps(content))
    whole = runner_config(detector_config(), folder / 'coco', folder / 'unused')
    # whatever the hook's settings are, a test of the model has no use for them
    whole['default_hooks']['distill'] = dict(type='mmlogitkd.LogitDistillHook', teacher=None)
    Config(whole | evaluation(folder / 'coco')).dump(folder / 'tiny.py')
    return folder / 'tiny.py'


@pytest.fixture(scope='module')
def checkpoint(config: Path) -> Path:
    model = build(Config.fromfile(config))
    path = config.with_name('model.pth')
    meta = dict(dataset_meta=dict(classes=CLASSES))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return path


@pytest.fixture
def images(config: Path) -> TestImages:
    return TestImages(config)


def test_images_with_objects_are_chosen(images: TestImages) -> None:
    assert images.classes == CLASSES
    assert images.choose(4) == images.choose(9) == [0, 3, 4, 5]
    assert images.choose(2) == [3, 5] and images.choose(1) == [4]
    assert len(truth_of(images.info(2)).ignored) == 3
    with pytest.raises(IndexError, match='no image 6: the test set has images 0 to 5'):
        images.info(6)


def test_pixels_are_the_files(images: TestImages) -> None:
    info = images.info(3)
    file = cv2.imread(info['img_path'])
    assert np.array_equal(images.pixels(info), file[..., ::-1])
    assert file.shape == (48, 64, 3)


def test_boxes_are_those_of_mmdets_own_programs(
    config: Path, checkpoint: Path, images: TestImages
) -> None:
    from mmdet.apis import inference_detector, init_detector

    theirs: Any = init_detector(str(config), str(checkpoint), device='cpu')
    detector = Detector(config, checkpoint, images.classes)
    for index in (0, 3):
        info = images.info(index)
        found = detector.find(info, score=0.5)
        expected = inference_detector(theirs, info['img_path']).pred_instances
        assert 0 < len(found) < len(expected)
        expected = expected[expected.scores >= 0.5]
        order = expected.scores.argsort(descending=True)
        assert torch.equal(torch.from_numpy(found.corners).float(), expected.bboxes[order])
        assert torch.equal(torch.from_numpy(found.labels), expected.labels[order])
        assert found.scores is not None and found.scores.min() >= 0.5
        assert (np.diff(found.scores) <= 0).all()
        assert (found.corners >= 0).all() and (found.corners <= [64, 48, 64, 48]).all()


def test_a_checkpoint_that_does_not_fit_is_refused(
    config: Path, checkpoint: Path, tmp_path: Path
) -> None:
    content = torch.load(checkpoint)
    name = 'roi_head.bbox_head.fc_cls.weight'
    changes: list[dict] = [{name: None}, {name: torch.zeros(2, 2)}, {'more': torch.zeros(1)}]
    for change in changes:
        weights = content['state_dict'] | change
        path = tmp_path / 'bad.pth'
        torch.save(dict(state_dict={k: v for k, v in weights.items() if v is not None}), path)
        with pytest.raises(ValueError, match=rf'(?s)bad\.pth does not fit .*{next(iter(change))}'):
            Detector(config, path, CLASSES)
    with pytest.raises(ValueError, match=r'was trained on the classes .*the images have'):
        Detector(config, checkpoint, CLASSES[::-1])


def test_labels_need_names(config: Path, checkpoint: Path, tmp_path: Path) -> None:
    weights = torch.load(checkpoint)['state_dict']
    weights['roi_head.bbox_head.fc_cls.bias'][2] = 9.0
    torch.save(weights, tmp_path / 'bare.pth')
    detector = Detector(config, tmp_path / 'bare.pth', CLASSES[:1])
    with pytest.raises(ValueError, match='a box has label 2, and there are only 1 classes'):
        detector.find(TestImages(config).info(0), 0.05)


def test_configs_without_one_test_set_are_refused(config: Path, tmp_path: Path) -> None:
    content = Config.fromfile(config)
    wrapped = copy.deepcopy(content)
    wrapped.test_dataloader.dataset = dict(
        type='RepeatDataset', times=1, dataset=wrapped.test_dataloader.dataset
    )
    wrapped.dump(tmp_path / 'wrapped.py')
    assert TestImages(tmp_path / 'wrapped.py').choose(2) == [3, 5]
    content.pop('test_dataloader')
    content.dump(tmp_path / 'none.py')
    with pytest.raises(ValueError, match=r'none\.py has no test_dataloader'):
        TestImages(tmp_path / 'none.py')
