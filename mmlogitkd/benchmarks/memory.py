"""The peak memory of distilled training against its limit: the student's, and the teacher's share.

Limit: the plain student's peak, the teacher's parameters and buffers, and what one forward pass of
the teacher takes while it runs. On the CPU memory is the resident size of a fresh process, less
what it had after importing and building the same; that base (interpreter, libraries, the student's
weights, images) is in every process and would hide the rest. On CUDA it is what torch's allocator
gave out.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from mmengine.runner import Runner
from torch import nn

from .report import Column, Report, ratio_cell
from .step_config import StepSettings, distilled_config, plain_config
from .step_roles import autocast, device_of, prepared_process, recorded_calls
from .workers import Answer, Turns, Worker

__all__ = ['MEMORY_TARGET', 'MemoryUse', 'measure_memory', 'memory_report']

MEMORY_TARGET = 1.02
"""Peak of the distilled run / limit, at most."""

MALLOC = {'MALLOC_ARENA_MAX': '1', 'MALLOC_MMAP_THRESHOLD_': '65536'}
"""glibc then gives freed tensors back at once, so that the resident size is what is in use."""

MEGABYTE = 10**6


@dataclass(frozen=True)
class MemoryUse:
    """Bytes; medians of equal measurements.

    Attributes:
        base: of a process that has imported and built everything and not yet trained.
        student: the plain run's peak above its base.
        distilled: the distilled run's peak above its base.
        weights: of the teacher, buffers included.
        forward: the teacher's peak in one forward pass above what was there before it.
    """

    base: float
    student: float
    distilled: float
    weights: float
    forward: float

    @property
    def limit(self) -> float:
        """What the distilled run must take at least, if everything of the student stays alive."""
        return self.student + self.weights + self.forward

    @property
    def ratio(self) -> float:
        """Distilled / limit."""
        return self.distilled / self.limit

    def row(self) -> dict[str, float]:
        """Return the numbers for a report."""
        return asdict(self) | dict(limit=self.limit, ratio=self.ratio)


def measure_memory(settings: StepSettings, steps: int = 4, repeats: int = 3) -> MemoryUse:
    """Measure each part in fresh processes, one after the other.

    Args:
        settings: of the step.
        steps: how many each run takes.
        repeats: measurements of each.

    Raises:
        WorkerError: a process failed.
    """
    works: dict[str, tuple[Callable[..., None], tuple[Any, ...]]] = dict(
        student=(train_peak, (settings, steps, False)),
        teacher=(teacher_peak, (settings,)),
        distilled=(train_peak, (settings, steps, True)),
    )
    environment = MALLOC | ({} if settings.device == 'cuda' else {'CUDA_VISIBLE_DEVICES': ''})
    answers: dict[str, list[Answer]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, (work, args) in works.items():
            with Worker(name, work, args, environment) as worker:
                answers[name].append(worker.ready().turn())

    def middle(role: str, of: str) -> float:
        return median(answer[of] for answer in answers[role])

    return MemoryUse(
        base=middle('student', 'base'),
        student=middle('student', 'peak'),
        distilled=middle('distilled', 'peak'),
        weights=middle('teacher', 'weights'),
        forward=middle('teacher', 'peak'),
    )


def train_peak(turns: Turns, settings: StepSettings, steps: int, distilled: bool) -> None:
    """Train; answer with the base and the peak above it."""
    turns.wait()
    with prepared_process(settings) as folder:
        config = distilled_config(settings, steps, folder)
        runner = Runner.from_cfg(config if distilled else plain_config(config))
        assert len(runner.train_dataloader) == steps  # builds the loop, with the images
        base, peak = _peak_of(runner.train, device_of(settings))
        turns.answer(base=base, peak=peak)


def teacher_peak(turns: Turns, settings: StepSettings) -> None:
    """Let the teacher score the first batch; answer with its weights and the peak of the pass."""
    turns.wait()
    with prepared_process(settings) as folder, autocast(settings):
        config = distilled_config(settings, 1, folder)
        distiller, [(args, kwargs)] = recorded_calls(config, settings)
        ask = partial(distiller.teacher.score, *args, **kwargs)
        base, peak = _peak_of(ask, device_of(settings))
        turns.answer(base=base, peak=peak, weights=_bytes(distiller.teacher.model))


def _bytes(model: nn.Module) -> int:
    """Size of parameters and buffers."""
    return sum(t.numel() * t.element_size() for t in [*model.parameters(), *model.buffers()])


def _peak_of(work: Callable[[], object], device: torch.device) -> tuple[int, int]:
    """Memory before ``work``, and its peak above that while it runs."""
    gc.collect()
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        base = torch.cuda.memory_allocated(device)
        work()
        return base, torch.cuda.max_memory_allocated(device) - base
    Path('/proc/self/clear_refs').write_text('5', encoding='ascii')  # VmHWM starts anew
    base = _status('VmRSS')
    work()
    return base, _status('VmHWM') - base


def _status(entry: str) -> int:
    """An entry of Linux's account of this process, in bytes.

    ``ru_maxrss`` is no substitute: a new process inherits it from the one that started it.
    """
    for line in Path('/proc/self/status').read_text(encoding='ascii').splitlines():
        name, _, value = line.partition(':')
        if name == entry:
            return int(value.split()[0]) * 1024
    raise RuntimeError(f'/proc/self/status has no {entry}: memory is measured on Linux only')


def memory_report(settings: dict[str, Any]) -> Report:
    """Return a table for rows that hold :meth:`MemoryUse.row` and what it was measured of."""
    names = dict(
        student='Student',
        weights='Teacher: weights',
        forward='One forward',
        limit='Limit',
        distilled='Distilled',
    )
    columns = [
        Column('Pair', lambda row: row['pair'], number=False),
        Column('Step', lambda row: f'{row["images"]} × {row["size"]} px', number=False),
        Column('Loss', lambda row: row['loss'], number=False),
        *(_megabytes(heading, name) for name, heading in names.items()),
        Column('Ratio', ratio_cell),
    ]
    return Report('Peak memory, MB: distilled against its limit', settings, columns)


def _megabytes(heading: str, name: str) -> Column:
    return Column(heading, lambda row: f'{row[name] / MEGABYTE:.0f}')
