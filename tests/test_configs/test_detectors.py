"""The shipped configs of detectors with MMEngine: parsing, building, one training step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config, ConfigDict
from mmengine.registry import HOOKS, MODELS, DefaultScope
from mmengine.runner import Runner

from mmlogitkd.hooks import LogitDistillHook
from mmlogitkd.logits import DenseHeadLogits, QueryHeadLogits, RoIHeadLogits
from tests.tiny_two_stage import CLASSES, write_coco

from .shipped import DETECTION, DETECTOR_BASELINES, DETECTORS, METAFILES, ONE_PER_KIND, ids

QUICK = [p for p in ONE_PER_KIND if p.stem.startswith(('sd-dkd', 'luminet'))]
DESCRIBED = {
    model['Name']: model
    for path in METAFILES
    if DETECTION in path.parents
    for model in yaml.safe_load(path.read_text(encoding='utf-8'))['Models']
}


def types(part: Any) -> Iterator[str]:
    """Every ``type`` in a part of a config."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield from [value] if key == 'type' else types(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from types(value)


def without_downloads(path: Path) -> Config:
    """The config with backbones that start at random and a teacher that needs no file."""
    config = Config.fromfile(path)
    config.model.backbone.init_cfg = None
    if 'distill' in config.default_hooks:
        config.default_hooks.distill.teacher.update(checkpoint=None, init='random')
    return config


def build_student(config: Config) -> Any:
    with DefaultScope.overwrite_default_scope(config.default_scope):
        return MODELS.build(config.model)


def check_parts_fit(path: Path) -> None:
    """The hook attaches: both models, the source of logits and the losses go together."""
    config = without_downloads(path)
    entry = config.default_hooks.distill
    student = build_student(config)
    hook = HOOKS.build(entry)
    assert isinstance(hook, LogitDistillHook)
    assert hook.distiller is not None
    assert set(hook.distiller.losses) == set(entry.losses)
    hook.distiller.attach(student)
    source, teacher = hook.distiller._source, hook.distiller.teacher
    expected = dict(roi_head=RoIHeadLogits, decoder=QueryHeadLogits, bbox_head=DenseHeadLogits)
    assert isinstance(source, next(expected[part] for part in expected if hasattr(student, part)))
    assert teacher._conversion is None  # they see the same images
    assert type(teacher.model) is type(student)
    hook.distiller.detach()


def one_step(path: Path, data: Path, work_dir: Path) -> Config:
    """The config on small images with few boxes, one step long; all else is as shipped."""
    config = without_downloads(path)
    config.work_dir = str(work_dir)
    config.experiment_name = f'{path.stem}-{work_dir.name}'
    config.visualizer.name = config.experiment_name  # a name is one visualizer per process
    if 'rcnn' in path.stem:
        stages = config.model.train_cfg.rcnn
        for stage in stages if isinstance(stages, list) else [stages]:
            stage.sampler.num = 32
    loader = config.train_dataloader
    loader.update(num_workers=0, persistent_workers=False)
    loader.dataset.update(
        data_root='',
        ann_file=str(data / 'annotations.json'),
        data_prefix=dict(img=f'{data}/'),
        metainfo=dict(classes=CLASSES),
        indices=loader.batch_size,
    )
    for step in loader.dataset.pipeline:
        if step.type in ('Resize', 'RandomChoice'):  # DINO chooses 900 points of the encoder
            step.clear()
            scale = (320, 256) if 'dino' in path.stem else (128, 96)
            step.update(type='Resize', scale=scale, keep_ratio=True)
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


def check_one_step(path: Path, data: Path, work_dir: Path) -> None:
    config = one_step(path, data, work_dir)
    runner = Runner.from_cfg(config)
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    runner.train()
    assert runner.iter == 1
    after = runner.model.state_dict()
    assert list(after) == list(before)
    assert any(not torch.equal(after[name], before[name]) for name in before if 'cls' in name)
    [log] = work_dir.glob('*/vis_data/scalars.json')
    [line] = [json.loads(text) for text in log.read_text().splitlines()]
    stages = ('s0.', 's1.', 's2.') if 'cascade' in path.stem else ('',)
    for name in config.default_hooks.distill.losses:
        for stage in stages:
            assert np.isfinite(line[stage + name])
            assert line[stage + name] > 0
    assert np.isfinite(line['loss'])


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('coco') / 'set'
    write_coco(folder)
    return folder


@pytest.mark.parametrize('path', DETECTORS, ids=ids(DETECTORS))
def test_is_what_its_metafile_says(path: Path) -> None:
    config, described = Config.fromfile(path), DESCRIBED[path.stem]
    distill: ConfigDict = config.default_hooks.distill
    assert all(name.startswith('mmlogitkd.') for name in types(distill))
    assert distill.teacher == dict(
        config=described['Teacher']['Config'], checkpoint=described['Teacher']['Weights']
    )
    student = described['Student']['Config']
    plain = (
        Config.fromstring(f'_base_ = [{student!r}]', '.py')
        if '::' in student
        else Config.fromfile(DETECTION.parents[1] / student)
    )
    assert config.model == plain.model
    assert config.train_cfg.max_epochs == plain.train_cfg.max_epochs
    assert config.train_cfg.max_epochs == described['Metadata']['Epochs']
    assert config.auto_scale_lr.base_batch_size == described['Metadata']['Batch Size']
    assert config.default_hooks.keys() - plain.default_hooks.keys() == {'distill'}


@pytest.mark.parametrize('path', ONE_PER_KIND, ids=ids(ONE_PER_KIND))
def test_parts_of_every_kind_fit(path: Path) -> None:
    check_parts_fit(path)


@pytest.mark.parametrize('path', DETECTOR_BASELINES, ids=ids(DETECTOR_BASELINES))
def test_maps_of_a_baseline_have_the_usual_strides(path: Path) -> None:
    student = build_student(without_downloads(path)).eval()
    with torch.no_grad():
        maps = student.extract_feat(torch.zeros(1, 3, 64, 64))
    sizes = (16, 8, 4, 2, 1) if hasattr(student, 'roi_head') else (8, 4, 2, 1)
    assert [tuple(level.shape[1:]) for level in maps] == [(256, s, s) for s in sizes]


@pytest.mark.parametrize('path', QUICK, ids=ids(QUICK))
def test_trains_one_step(path: Path, data: Path, tmp_path: Path) -> None:
    check_one_step(path, data, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize('path', DETECTORS, ids=ids(DETECTORS))
def test_every_config_trains_one_step(path: Path, data: Path, tmp_path: Path) -> None:
    check_parts_fit(path)
    check_one_step(path, data, tmp_path)
