import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from tests.tiny_two_stage import CLASSES, build, detector_config, runner_config, write_coco

ROOT = Path(__file__).parents[2]
MIM = Path(sys.executable).parent / 'mim'
NAMES = {distribution.metadata['Name'] for distribution in distributions()}
# OneDL's mim takes `mmdet` for one of its two names that contain it
MMDET = 'onedl-mmdetection' if 'onedl-mmdetection' in NAMES else 'mmdet'
pytestmark = pytest.mark.skipif(not MIM.exists(), reason='mim is not in this environment')


def mim(folder: Path, *arguments: object, path: Path = ROOT) -> str:
    """Run mim, modules in ``path`` coming first, and return what it printed."""
    done = subprocess.run(
        [str(MIM), *(str(argument) for argument in arguments), '--work-dir', str(folder)],
        cwd=folder,
        env=dict(os.environ, PYTHONPATH=str(path)),  # ROOT has the images in tests.tiny
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    'package', ['mmpretrain', pytest.param('mmlogitkd', marks=pytest.mark.full)]
)
def test_mim_distils_and_tests(
    package: str, config_file: Path, distill: Callable[..., dict], tmp_path: Path
) -> None:
    config = Config.fromfile(config_file)
    config.custom_imports.imports.append('mmlogitkd')
    config.default_hooks.distill = distill()
    config.train_cfg.max_epochs = 1
    config.log_level = 'INFO'
    config.dump(config_file)
    # mmpretrain's program asks for persistent workers even where there are no workers.
    output = mim(tmp_path, 'train', package, config_file, '--no-persistent-workers')
    assert re.search(r'Epoch\(train\) .* loss_kd: ', output), output
    # The plain config and the plain program test what came out.
    del config.default_hooks.distill
    config.custom_imports.imports.remove('mmlogitkd')
    plain = tmp_path / 'plain' / 'tiny.py'
    plain.parent.mkdir()
    config.dump(plain)
    checkpoint = tmp_path / 'epoch_1.pth'
    tested = mim(tmp_path, 'test', 'mmpretrain', plain, '--checkpoint', checkpoint)
    scores = [re.findall(r'accuracy/top1: ([\d.]+)', text)[-1] for text in (output, tested)]
    assert scores[0] == scores[1]


def detection_config(tmp_path: Path) -> dict:
    """A small Faster R-CNN of mmdet's that learns a set of bright squares in 40 steps."""
    write_coco(tmp_path / 'set', images=8)
    model = detector_config('faster')
    model.model.test_cfg.rcnn.score_thr = 0.0  # all of its boxes are compared
    config = runner_config(model, tmp_path / 'set', tmp_path)
    dataset = copy.deepcopy(config['train_dataloader']['dataset'])
    dataset.update(
        test_mode=True,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(64, 48)),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(type='PackDetInputs'),
        ],
    )
    loader = dict(config['train_dataloader'], dataset=dataset)
    loader['sampler'] = dict(type='DefaultSampler', shuffle=False)
    for name in ('val', 'test'):
        config[f'{name}_dataloader'] = loader
        config[f'{name}_cfg'] = dict()
        config[f'{name}_evaluator'] = dict(
            type='CocoMetric',
            ann_file=dataset['ann_file'],
            metric='bbox',
            outfile_prefix=str(tmp_path / name),
        )
    config['train_cfg'] = dict(by_epoch=True, max_epochs=10, val_interval=10)
    config['optim_wrapper'] = dict(optimizer=dict(type='AdamW', lr=1e-3))
    config['default_hooks']['logger']['interval'] = 4
    config['log_level'] = 'INFO'
    return config


def test_a_distilled_detector_is_a_plain_one(tmp_path: Path) -> None:
    """Where importing mmlogitkd fails, the same boxes and the same average precision."""
    config = detection_config(tmp_path)
    del config['work_dir']
    plain, distilling = tmp_path / 'plain' / 'tiny.py', tmp_path / 'tiny.py'
    plain.parent.mkdir()
    Config(copy.deepcopy(config)).dump(plain)
    assert 'mmlogitkd' not in plain.read_text()
    teacher = detector_config('faster', width=12)
    torch.save(
        dict(meta=dict(dataset_meta=dict(classes=CLASSES)), state_dict=build(teacher).state_dict()),
        tmp_path / 'teacher.pth',
    )
    config['default_hooks']['distill'] = dict(
        type='mmlogitkd.LogitDistillHook',
        teacher=dict(config=teacher.to_dict(), checkpoint=str(tmp_path / 'teacher.pth')),
        losses=dict(loss_kd=dict(type='mmlogitkd.KDLoss', loss_weight=0.1)),
    )
    Config(config).dump(distilling)
    trained = mim(tmp_path, 'train', MMDET, distilling)
    assert len(re.findall(r'Epoch\(train\) .* loss_kd: ', trained)) == 10, trained

    without = tmp_path / 'without' / 'mmlogitkd'
    without.mkdir(parents=True)
    (without / '__init__.py').write_text("raise ImportError('the plain program needs it')")
    checkpoint = tmp_path / 'epoch_10.pth'
    arguments = ('test', MMDET, plain, '--checkpoint', checkpoint)
    tested = mim(tmp_path, *arguments, path=without.parent)

    during, after = (
        dict(re.findall(r'coco/(bbox_mAP\w*): +(-?[\d.]+)', text)) for text in (trained, tested)
    )
    assert during == after and len(during) == 6
    assert float(during['bbox_mAP']) > 0
    boxes = [json.loads((tmp_path / f'{name}.bbox.json').read_text()) for name in ('val', 'test')]
    assert boxes[0] == boxes[1] and len(boxes[0]) > 8


@pytest.mark.full
def test_mim_finds_our_configs_by_name(tmp_path: Path) -> None:
    """The program stops at a flag that it does not know, after mim has found the config."""
    name = 'kd_resnet34-resnet18_8xb32_in1k.py'
    with pytest.raises(AssertionError, match=rf'will use \S+/{name}') as caught:
        mim(tmp_path, 'train', 'mmlogitkd', name, '--bogus')
    assert 'unrecognized arguments: --bogus' in str(caught.value)
