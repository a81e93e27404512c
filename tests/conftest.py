"""Fixtures over the small real models of ``tests.tiny``."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault('OMP_NUM_THREADS', '1')

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from tests.tiny import NUM_CLASSES, build, classifier_config, full_config, runner_config

torch.set_num_threads(1)


@pytest.fixture(scope='session', autouse=True)
def unformatted_config_dumps() -> Iterator[None]:
    """Spare the seconds that every Runner spends on laying out the dump of its config."""
    patch = pytest.MonkeyPatch()
    for owner in ('yapf.yapflib.yapf_api', 'mmengine.config.config'):  # one line each imports it
        patch.setattr(f'{owner}.FormatCode', lambda text, **_: (text, True), raising=False)
    yield
    patch.undo()


@pytest.fixture
def teacher_file(tmp_path: Path) -> Path:
    """A checkpoint as a Runner saves it, of ``classifier_config(width=6)``."""
    torch.manual_seed(1)
    model = build(classifier_config(6))
    model.init_weights()
    path = tmp_path / 'teacher.pth'
    meta = dict(dataset_meta=dict(classes=tuple(f'class {i}' for i in range(NUM_CLASSES))))
    torch.save(dict(meta=meta, state_dict=model.state_dict()), path)
    return path


@pytest.fixture
def distill(teacher_file: Path) -> Callable[..., dict]:
    """Config of a LogitDistillHook with that teacher; the arguments override."""

    def config(**overrides: Any) -> dict:
        return (
            dict(
                type='mmlogitkd.LogitDistillHook',
                teacher=dict(
                    config=full_config(classifier_config(6)), checkpoint=str(teacher_file)
                ),
                losses=dict(loss_kd=dict(type='mmlogitkd.KDLoss')),
            )
            | overrides
        )

    return config


@pytest.fixture
def make_runner(tmp_path: Path) -> Callable[..., Runner]:
    """Build a real Runner over a tiny classifier; the arguments override its config."""

    def make(
        name: str = 'run', distill: dict | None = None, epochs: int = 2, **overrides: Any
    ) -> Runner:
        config = runner_config(tmp_path / name, epochs)
        if distill is not None:
            config['default_hooks']['distill'] = distill
        hooks = overrides.pop('default_hooks', {})
        config.update(overrides)
        config['default_hooks'].update(hooks)
        return Runner.from_cfg(Config(copy.deepcopy(config)))

    return make
