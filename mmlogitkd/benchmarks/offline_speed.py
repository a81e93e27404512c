"""What a training step costs whose teacher's answers come from a cache."""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..offline import LogitCaching, use_cache
from ..teacher.build import build_model, read_config
from .report import Column, Report, ratio_cell
from .timing import Times, ratio, turned

__all__ = [
    'KINDS',
    'OFFLINE_TARGET',
    'OfflineSettings',
    'measure_offline',
    'offline_report',
    'prepared_configs',
]

OFFLINE_TARGET = 1.03
"""Step with the cache / step of the plain student, at most."""
KINDS = ('student', 'replayed', 'cached', 'online')
"""The plain student; the same on images that can be replayed; with the cache; with the teacher."""


@dataclass(frozen=True)
class OfflineSettings:
    """What is trained.

    Attributes:
        config: the distillation's config, over CIFAR-100's images.
        workers: processes that load images; None for the config's number.
        steps: iterations of a measurement.
        warm_up: iterations before the clock starts, in which workers come up to speed.
        device: ``'cpu'`` or ``'cuda'``.

    Raises:
        ValueError: no iteration would be timed.
    """

    config: str
    workers: int | None = None
    steps: int = 20
    warm_up: int = 5
    device: str = 'cpu'

    def __post_init__(self) -> None:
        if not 1 <= self.warm_up < self.steps:
            raise ValueError(
                f'steps={self.steps}, warm_up={self.warm_up}: the first {self.warm_up} iterations '
                f'are not timed, so at least {self.warm_up + 1} are needed'
            )


class _Clock(Hook):
    """Seconds per iteration, the waiting for images included."""

    priority = 'LOWEST'

    def __init__(self, warm_up: int, device: str) -> None:
        self.warm_up, self.device = warm_up, device
        self.started = self.seconds = 0.0

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Start after the warm-up, stop after the last iteration."""
        last = batch_idx + 1 == runner.max_iters
        if batch_idx + 1 != self.warm_up and not last:
            return
        if self.device == 'cuda':
            torch.cuda.synchronize()
        now = time.perf_counter()
        if last:
            self.seconds = (now - self.started) / (batch_idx + 1 - self.warm_up)
        self.started = now


def measure_offline(settings: OfflineSettings, folder: Path, rounds: int = 9) -> Times:
    """Time all :data:`KINDS` in real Runners that take turns.

    Images are noise in CIFAR-100's format, through the config's own pipeline; weights are random.

    Args:
        settings: what is trained.
        folder: an empty folder for images, teacher, cache and logs.
        rounds: how often each is timed.

    Returns:
        Kind to seconds per step, one entry per round.
    """
    configs = prepared_configs(settings, folder)
    times: Times = {kind: [] for kind in KINDS}
    for number in range(rounds):
        for kind in turned(KINDS, number):
            times[kind].append(_seconds(configs[kind], settings, f'{kind}-{number}'))
    return times


def offline_report(settings: Mapping[str, Any], rows: list[tuple[int, Times]]) -> Report:
    """Return the table.

    Args:
        settings: what the numbers depend on.
        rows: number of workers, and the times.
    """
    columns = [
        Column('Workers', lambda row: str(row['workers'])),
        *(_milliseconds(kind) for kind in KINDS),
        Column('Replayed / student', lambda row: f'{row["replayed ratio"]:.3f}'),
        Column('Cached / student', lambda row: ratio_cell(row, 'cached ratio')),
        Column('Online / student', lambda row: f'{row["online ratio"]:.2f}'),
    ]
    table = [
        {
            'workers': workers,
            'target': OFFLINE_TARGET,
            'seconds': times,
            **{kind: median(times[kind]) for kind in KINDS},
            **{f'{kind} ratio': ratio(times, kind, 'student') for kind in KINDS[1:]},
        }
        for workers, times in rows
    ]
    return Report('Training step with a cached teacher, ms', dict(settings), columns, table)


def _milliseconds(kind: str) -> Column:
    return Column(kind.capitalize(), lambda row: f'{row[kind] * 1e3:.1f}')


def prepared_configs(settings: OfflineSettings, folder: Path) -> dict[str, Config]:
    """Write images, a teacher and its cache; return the config of every kind.

    Args:
        settings: what is trained.
        folder: an empty folder.
    """
    distilled = _base_config(settings, folder)
    plain = copy.deepcopy(distilled)
    plain.default_hooks.distill.enabled = False
    caching = LogitCaching(distilled, device=settings.device)
    store = caching.open(folder / 'cache')
    batch_size = distilled.train_dataloader.batch_size
    for _ in caching.fill(store, caching.missing(store), batch_size):
        pass
    cached = copy.deepcopy(distilled)
    cached.default_hooks.distill.teacher.cache = str(folder / 'cache')
    use_cache(cached)
    replayed = copy.deepcopy(plain)
    replayed.train_dataloader.dataset = cached.train_dataloader.dataset
    return {'student': plain, 'replayed': replayed, 'cached': cached, 'online': distilled}


def _base_config(settings: OfflineSettings, folder: Path) -> Config:
    """The config on generated images with an untrained teacher's checkpoint, one epoch long."""
    config = Config.fromfile(settings.config)
    loader = config.train_dataloader
    _write_images(folder / 'images', loader.batch_size * settings.steps)
    loader.dataset = dict(
        type='mmlogitkd.CIFAR100Subset',
        data_root=str(folder / 'images'),
        pipeline=loader.dataset.pipeline,
    )
    if settings.workers is not None:
        loader.num_workers = settings.workers
    loader.persistent_workers = loader.num_workers > 0
    teacher = build_model(read_config(config.default_hooks.distill.teacher.config))
    torch.save({'state_dict': teacher.state_dict()}, folder / 'teacher.pth')
    config.default_hooks.distill.teacher.checkpoint = str(folder / 'teacher.pth')
    for phase in ('val', 'test'):
        for part in ('dataloader', 'cfg', 'evaluator'):
            config[f'{phase}_{part}'] = None
    config.train_cfg = dict(by_epoch=True, max_epochs=1)
    config.default_hooks.checkpoint = dict(type='CheckpointHook', interval=-1, save_last=False)
    config.visualizer = None
    config.update(work_dir=str(folder / 'runs'), log_level='ERROR', launcher='none')
    return config


def _write_images(folder: Path, count: int) -> None:
    """Noise in the format of CIFAR-100's archive."""
    random = np.random.RandomState(0)
    content = {
        b'data': random.randint(0, 256, (count, 3 * 32 * 32), dtype=np.uint8),
        b'fine_labels': (np.arange(count) % 100).tolist(),
    }
    folder.mkdir(parents=True)
    with (folder / 'train').open('wb') as file:
        pickle.dump(content, file)


def _seconds(config: Config, settings: OfflineSettings, name: str) -> float:
    """Train once; seconds per step."""
    config = copy.deepcopy(config)
    config.experiment_name = name
    clock = _Clock(settings.warm_up, settings.device)
    runner = Runner.from_cfg(config)
    runner.register_hook(clock)
    runner.train()
    return clock.seconds
