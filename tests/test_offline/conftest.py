"""A cache of a tiny teacher's logits, and the runs that use it."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope
from mmengine.runner import Runner

from mmlogitkd.offline import CachedTeacher, LogitCaching, build_teacher, use_cache
from mmlogitkd.teacher.build import build_model
from tests.tiny import NUM_CLASSES

from .images import LENGTH, distillation

CACHE = 'default_hooks.distill.teacher.cache'


@pytest.fixture
def configured(tmp_path: Path, teacher_file: Path) -> Callable[..., Config]:
    """The distillation's config, each time with another work folder; arguments override."""
    numbers = itertools.count()

    def make(**overrides: Any) -> Config:
        return distillation(tmp_path / f'run{next(numbers)}', teacher_file, **overrides)

    return make


@pytest.fixture
def cached(tmp_path: Path, configured: Callable[..., Config]) -> Callable[..., Path]:
    """Make a cache, return its folder; from overrides of its config and LogitCaching's options."""
    numbers = itertools.count()

    def make(overrides: dict | None = None, **options: Any) -> Path:
        folder = tmp_path / f'cache{next(numbers)}'
        caching = LogitCaching(configured(**(overrides or {})), **options)
        store = caching.open(folder, shard_size=8)
        for _ in caching.fill(store, caching.missing(store), batch_size=4):
            pass
        return folder

    return make


@pytest.fixture
def run(configured: Callable[..., Config]) -> Callable[..., Runner]:
    """Train with a cache, wrapped as tools/train.py does, or without one; returns the runner."""

    def train(cache: Path | None = None, **overrides: Any) -> Runner:
        config = configured(**overrides)
        if cache is not None:
            config.merge_from_dict({CACHE: str(cache)})
            use_cache(config)
        runner = Runner.from_cfg(copy.deepcopy(config))
        runner.train()
        return runner

    return train


@pytest.fixture
def look_up(configured: Callable[..., Config]) -> Callable[..., CachedTeacher]:
    """Open a cache as the hook does and ask it for every image of the training set; no Runner."""

    def ask(cache: Path, **overrides: Any) -> CachedTeacher:
        config = configured(**overrides)
        config.merge_from_dict({CACHE: str(cache)})
        use_cache(config)
        teacher = build_teacher(config.default_hooks.distill.teacher)
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            teacher.dataset = DATASETS.build(config.train_dataloader.dataset)
        classes = getattr(teacher.dataset, 'metainfo', {}).get('classes')
        teacher.build(build_model(config), classes)
        samples = [item['data_samples'] for item in teacher.dataset]
        _, logits = teacher.score(None, torch.zeros(1), samples)
        assert logits.shape == (LENGTH, NUM_CLASSES)
        return teacher

    return ask
