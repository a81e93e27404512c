"""The shipped configs with MMEngine: parsing, building, one training step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, HOOKS, MODELS, DefaultScope
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mmlogitkd.hooks import LogitDistillHook
from mmlogitkd.teacher import Teacher

from .shipped import ALL, BASELINES, DISTILLING, ONE_PAIR, PAIRS, ids

BATCH = 2
QUICK = [p for p in ONE_PAIR if p.stem.split('_')[0] in ('ldrld', 'sd-dkd', 'luminet')]


@DATASETS.register_module(force=True)
class NoiseImages(Dataset):
    """Random RGB images with labels, as a pipeline packs them."""

    def __init__(self, num_classes: int, size: int) -> None:
        generator = torch.Generator().manual_seed(0)
        shape = (BATCH, 3, size, size)
        self.images = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
        self.labels = torch.randint(num_classes, (BATCH,), generator=generator)

    def __len__(self) -> int:
        return BATCH

    def __getitem__(self, index: int) -> dict[str, Any]:
        from mmpretrain.structures import DataSample

        return dict(
            inputs=self.images[index], data_samples=DataSample().set_gt_label(self.labels[index])
        )


def size_of(path: Path) -> int:
    """Side of the images; 128 instead of 224 for ImageNet, whose last map is then 4x4."""
    return 32 if path.stem.endswith('cifar100') else 128


def untrained(config: Config) -> Config:
    """The config with a teacher that needs no file."""
    config.default_hooks.distill.teacher.update(checkpoint=None, init='random')
    return config


def one_step(path: Path, work_dir: Path) -> Config:
    """The config on noise images, one step long; all else is as shipped."""
    config = untrained(Config.fromfile(path))
    config.work_dir = str(work_dir)
    config.experiment_name = f'{path.stem}-{work_dir.name}'
    config.train_dataloader = dict(
        batch_size=BATCH,
        num_workers=0,
        collate_fn=dict(type='default_collate'),
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            type='NoiseImages',
            num_classes=config.data_preprocessor.num_classes,
            size=size_of(path),
        ),
    )
    config.train_cfg = dict(by_epoch=True, max_epochs=1)
    for name in ('val', 'test'):
        for part in ('dataloader', 'cfg', 'evaluator'):
            config[f'{name}_{part}'] = None
    config.default_hooks.checkpoint = None
    config.default_hooks.logger.interval = 1
    config.env_cfg.dist_cfg.backend = 'gloo'
    config.log_level = 'WARNING'
    config.randomness = dict(seed=0)
    return config


def build_student(config: Config) -> torch.nn.Module:
    with DefaultScope.overwrite_default_scope(config.default_scope):
        model = config.model.copy()
        model.setdefault('data_preprocessor', config.data_preprocessor)
        return MODELS.build(model)


def check_hook_builds(path: Path) -> None:
    entry = Config.fromfile(path).default_hooks.distill
    hook = HOOKS.build(entry)
    assert isinstance(hook, LogitDistillHook)
    assert hook.distiller is not None
    assert set(hook.distiller.losses) == set(entry.losses)
    assert hook.distiller.task_weight == entry.get('task_weight', 1.0)
    assert set(hook.schedules) == set(entry.get('schedules', {}))


def check_models_build(path: Path) -> None:
    config = Config.fromfile(path)
    student = build_student(config)
    teacher = Teacher(config.default_hooks.distill.teacher.config, init='random').build(student)
    assert teacher.model.head.num_classes == student.head.num_classes
    assert teacher._conversion is None  # they see the same images


def check_one_step(path: Path, work_dir: Path) -> None:
    config = one_step(path, work_dir)
    runner = Runner.from_cfg(config)
    names = list(runner.model.state_dict())
    before = {name: value.clone() for name, value in runner.model.named_parameters()}
    runner.train()
    assert runner.iter == 1
    assert list(runner.model.state_dict()) == names
    changed = [
        name
        for name, value in runner.model.named_parameters()
        if not torch.equal(value, before[name])
    ]
    assert changed
    [log] = work_dir.glob('*/vis_data/scalars.json')
    [line] = [json.loads(text) for text in log.read_text().splitlines()]
    for name in config.default_hooks.distill.losses:
        assert np.isfinite(line[name])
        assert line[name] > 0
    assert np.isfinite(line['loss'])


@pytest.mark.parametrize('path', ONE_PAIR, ids=ids(ONE_PAIR))
def test_hook_of_every_method_builds(path: Path) -> None:
    check_hook_builds(path)


@pytest.mark.parametrize('path', PAIRS, ids=ids(PAIRS))
def test_models_of_every_pair_build_and_see_the_same_images(path: Path) -> None:
    check_models_build(path)


@pytest.mark.parametrize('path', QUICK, ids=ids(QUICK))
def test_trains_one_step(path: Path, tmp_path: Path) -> None:
    check_one_step(path, tmp_path)


@pytest.mark.parametrize('path', BASELINES, ids=ids(BASELINES))
def test_cifar_images_reach_the_size_that_the_config_names(path: Path) -> None:
    config = Config.fromfile(path)
    image = np.zeros((32, 32, 3), dtype=np.uint8)
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            packed = Compose(loader.dataset.pipeline)(dict(img=image, gt_label=1))
        assert packed['inputs'].shape == (3, size_of(path), size_of(path))


@pytest.mark.parametrize('path', BASELINES, ids=ids(BASELINES))
def test_last_map_has_room_for_the_finest_regions(path: Path) -> None:
    student = build_student(Config.fromfile(path)).eval()
    with torch.no_grad():
        maps = student.backbone(torch.zeros(1, 3, size_of(path), size_of(path)))
    assert maps[-1].shape[2:] == (4, 4)


def test_fragments_merge_and_override_as_their_readme_says(tmp_path: Path) -> None:
    [parent] = [p for p in ONE_PAIR if p.stem.startswith('dkd_')]
    child = tmp_path / 'child.py'
    child.write_text(
        f"_base_ = '{parent}'\n"
        'default_hooks = dict(distill=dict(losses=dict(loss_dkd=dict(beta=2.0))))\n'
    )
    config = Config.fromfile(child)
    assert config.default_hooks.distill.losses.loss_dkd.beta == 2.0
    assert config.default_hooks.distill.losses.loss_dkd.temperature == 4.0
    assert config.default_hooks.checkpoint.type == 'CheckpointHook'  # the student's own hooks stay
    config.merge_from_dict({'default_hooks.distill.losses.loss_dkd.temperature': 2.0})
    assert config.default_hooks.distill.losses.loss_dkd.temperature == 2.0
    config.dump(tmp_path / 'dumped.py')
    assert Config.fromfile(tmp_path / 'dumped.py').to_dict() == config.to_dict()


@pytest.mark.full
@pytest.mark.parametrize('path', ALL, ids=ids(ALL))
def test_every_config_parses(path: Path) -> None:
    assert len(Config.fromfile(path)) > 0


@pytest.mark.full
@pytest.mark.parametrize('path', DISTILLING, ids=ids(DISTILLING))
def test_every_config_builds(path: Path) -> None:
    check_hook_builds(path)
    check_models_build(path)


@pytest.mark.full
@pytest.mark.parametrize('path', DISTILLING, ids=ids(DISTILLING))
def test_every_config_trains_one_step(path: Path, tmp_path: Path) -> None:
    check_one_step(path, tmp_path)
