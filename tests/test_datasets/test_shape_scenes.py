from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmlogitkd.datasets.shape_scenes import CLASSES, draw_scene, write_shape_scenes


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob('*')) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_boxes_are_tight_around_what_was_drawn():
    """Where a scene with one object differs from its ground is where its box says."""
    gaps = []
    for seed in range(120):
        scene, boxes, labels = draw_scene(96, np.random.default_rng(seed))
        assert scene.shape == (96, 96, 3) and scene.dtype == np.uint8
        assert len(boxes) == len(labels) >= 1
        if len(boxes) > 1:
            continue
        smooth = cv2.blur(scene.astype(np.float64), (5, 5))
        ground = np.median(smooth.reshape(-1, 3), axis=0)
        marked = np.abs(smooth - ground).max(-1) > 80  # waves and noise stay below
        rows, columns = np.nonzero(marked.any(1))[0], np.nonzero(marked.any(0))[0]
        seen = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
        gaps.append((seen - boxes[0]) * (1, 1, -1, -1))  # positive: the box is wider
        width, height = boxes[0, 2:] - boxes[0, :2]
        assert 0.1 * 96 < width <= 0.4 * 96 + 2 and 0.1 * 96 < height <= 0.4 * 96 + 2
    assert len(gaps) >= 10
    assert np.min(gaps) >= -3  # the blur's width and a soft edge
    assert np.abs(np.median(gaps, axis=0)).max() <= 2


def test_every_class_occurs_and_boxes_do_not_hide_each_other():
    labels: set[int] = set()
    for seed in range(60):
        _, boxes, found = draw_scene(128, np.random.default_rng(seed))
        labels |= set(found.tolist())
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        for i, centre in enumerate(centres):
            inside = (boxes[:, :2] < centre).all(1) & (centre < boxes[:, 2:]).all(1)
            assert np.nonzero(inside)[0].tolist() == [i]
        assert (boxes >= 0).all() and (boxes <= 128).all()
    assert labels == set(range(len(CLASSES)))


def test_the_set_is_in_coco_format(tmp_path: Path):
    from pycocotools.coco import COCO

    folder = write_shape_scenes(tmp_path / 'set', num_train=6, num_val=4, image_size=64)
    train = COCO(str(folder / 'annotations' / 'instances_train.json'))
    assert [c['name'] for c in train.loadCats(train.getCatIds())] == list(CLASSES)
    assert len(train.getImgIds()) == 6 and len(list((folder / 'train').iterdir())) == 6
    for i, info in enumerate(train.loadImgs(sorted(train.getImgIds()))):
        scene, boxes, labels = draw_scene(64, np.random.default_rng([0, 0, i]))
        stored = cv2.imread(str(folder / 'train' / info['file_name']))[..., ::-1]
        assert np.array_equal(stored, scene)
        assert (info['width'], info['height']) == (64, 64)
        annotations = train.loadAnns(train.getAnnIds(info['id']))
        assert [a['category_id'] - 1 for a in annotations] == labels.tolist()
        corners = [
            [x, y, x + w, y + h]
            for x, y, w, h in (annotation['bbox'] for annotation in annotations)
        ]
        assert corners == boxes.tolist()


def test_same_arguments_same_bytes_and_smaller_is_the_beginning(tmp_path: Path):
    arguments = dict(num_train=5, num_val=3, image_size=64)
    first = contents(write_shape_scenes(tmp_path / 'a', **arguments))
    assert contents(write_shape_scenes(tmp_path / 'b', **arguments)) == first
    other = contents(write_shape_scenes(tmp_path / 'c', **arguments, seed=1))
    assert other['train/000000.png'] != first['train/000000.png']
    assert first['train/000000.png'] != first['val/000000.png']
    small = contents(write_shape_scenes(tmp_path / 'd', num_train=2, num_val=3, image_size=64))
    assert all(small[f'train/00000{i}.png'] == first[f'train/00000{i}.png'] for i in (0, 1))


def test_a_finished_set_is_kept_and_another_one_is_replaced(tmp_path: Path):
    folder = tmp_path / 'set'
    arguments = dict(num_train=2, num_val=1, image_size=64)
    write_shape_scenes(folder, **arguments)
    (folder / 'mark').touch()
    write_shape_scenes(folder, **arguments)
    assert (folder / 'mark').exists()
    write_shape_scenes(folder, **(arguments | dict(seed=3)))
    assert not (folder / 'mark').exists()
    assert json.loads((folder / 'shape_scenes.json').read_text())['seed'] == 3
    assert [path.name for path in tmp_path.iterdir()] == ['set']


def test_refusals(tmp_path: Path):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'photo.jpg').touch()
    with pytest.raises(ValueError, match='holds something else'):
        write_shape_scenes(tmp_path / 'mine')
    assert (tmp_path / 'mine' / 'photo.jpg').exists()
    for name in ('num_train', 'num_val', 'image_size', 'seed'):
        with pytest.raises(ValueError, match=f'{name} must be at least .*, got -1'):
            write_shape_scenes(tmp_path / 'new', **{name: -1})
    assert not (tmp_path / 'new').exists()
