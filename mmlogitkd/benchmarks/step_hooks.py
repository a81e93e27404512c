"""Hooks that hold a Runner between its iterations and time each of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.profiler import ProfilerActivity, profile

from ..analysis.stopwatch import Stopwatch
from ..distiller import LogitDistiller
from .workers import Turns

__all__ = ['StepClock', 'hold']


def hold(runner: Runner, clock: StepClock) -> None:
    """Let ``clock`` begin before and end after whatever other hooks do in an iteration."""
    runner.register_hook(_Begin(clock), priority='HIGHEST')
    runner.register_hook(_End(clock), priority='LOWEST')


class StepClock:
    """Waits for a turn, times what follows and answers.

    Turns of the kind ``'watched'`` also tell how long the parts of a distilled step took, and
    those of the kind ``'profile'`` give the table of torch's profiler. Both slow the step down.

    Args:
        turns: where turns come from.
        device: where the work is done; the clock waits for it.
        distiller: what to watch, None in a plain run.
    """

    def __init__(
        self, turns: Turns, device: torch.device, distiller: LogitDistiller | None = None
    ) -> None:
        self._turns = turns
        self._device = device
        self._distiller = distiller
        self._parts: dict[str, Stopwatch] = {}
        self._profile: profile | None = None
        self._watched = False
        self._started = 0.0

    def begin(self) -> None:
        """Wait for a turn, then start."""
        kind = self._turns.wait()
        self._watched = kind == 'watched'
        if self._watched and not self._parts and self._distiller is not None:
            self._parts = _watch(self._distiller, self._device)
        for stopwatch in self._parts.values():
            stopwatch.reset()
        if kind == 'profile':
            activities = [ProfilerActivity.CPU]
            activities += [ProfilerActivity.CUDA] if self._device.type == 'cuda' else []
            self._profile = profile(activities=activities)
            self._profile.__enter__()
        self._started = self._now()

    def end(self) -> None:
        """Stop and answer."""
        seconds = self._now() - self._started
        if self._profile is not None:
            self._profile.__exit__(None, None, None)
            order = f'self_{self._device.type}_time_total'
            table = self._profile.key_averages().table(sort_by=order, row_limit=60)
            self._profile = None
            self._turns.answer(seconds=seconds, table=table)
        elif self._watched:
            parts = {name: stopwatch.seconds for name, stopwatch in self._parts.items()}
            self._turns.answer(seconds=seconds, parts=parts)
        else:
            self._turns.answer(seconds=seconds)

    def _now(self) -> float:
        if self._device.type == 'cuda':
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


def _watch(distiller: LogitDistiller, device: torch.device) -> dict[str, Stopwatch]:
    """Time the teacher, the adapter's work (the teacher's in it) and the losses from now on."""
    parts = {name: Stopwatch(device) for name in ('teacher', 'collect', 'losses')}
    teacher, source = distiller.teacher, distiller.source
    teacher.score = _timed(teacher.score, parts['teacher'])  # type: ignore[method-assign]
    source.collect = _timed(source.collect, parts['collect'])  # type: ignore[method-assign]
    for loss in distiller.losses.values():
        parts['losses'].watch(loss)
    return parts


def _timed(function: Callable[..., Any], stopwatch: Stopwatch) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with stopwatch:
            return function(*args, **kwargs)

    return call


class _Begin(Hook):
    def __init__(self, clock: StepClock) -> None:
        self._clock = clock

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        self._clock.begin()


class _End(Hook):
    def __init__(self, clock: StepClock) -> None:
        self._clock = clock

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        self._clock.end()
