from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from mmengine.config import Config

from mmlogitkd.benchmarks.step_config import StepSettings
from mmlogitkd.benchmarks.workers import serve
from tests.tiny import classifier_config, full_config, runner_config


@pytest.fixture
def step_settings(tmp_path: Path) -> StepSettings:
    """A tiny classifier that trains on 16x16 images, as the benchmarks take it."""
    config = runner_config(tmp_path / 'run', epochs=1)
    config['default_hooks']['distill'] = dict(
        type='mmlogitkd.LogitDistillHook',
        teacher=dict(config=full_config(classifier_config(6)), checkpoint='nowhere.pth'),
        losses=dict(loss_kd=dict(type='mmlogitkd.KDLoss')),
    )
    path = tmp_path / 'tiny.py'
    Config(config).dump(path)
    return StepSettings(str(path), size=16, images=4, batches=2)


@pytest.fixture
def in_thread() -> Callable[..., Any]:
    """Run a worker's function in this process; yields the end that hands out the turns."""

    @contextmanager
    def run(work: Callable[..., None], *args: Any) -> Iterator[Connection]:
        ours, theirs = Pipe()
        thread = Thread(target=serve, args=(work, theirs, *args), daemon=True)
        thread.start()
        assert ours.recv() == {}
        yield ours
        thread.join(timeout=60)
        assert not thread.is_alive()

    return run
