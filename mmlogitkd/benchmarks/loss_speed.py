"""Time and memory of every loss, beside plain KD's and those of its straightforward form."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import torch

from .loss_cases import KD, Form, LossCase, training_call
from .loss_settings import Settings, gigabytes, significant
from .loss_targets import SPEED, in_words, verdicts
from .peak_memory import peak_memory
from .report import Column, Report
from .timing import Times, ratio

__all__ = ['COLUMNS', 'SHAPES', 'describe', 'measure', 'report']

SHAPES = ((64, 100), (256, 1000), (1024, 81), (20000, 80))
"""Rows and classes: CIFAR-100, ImageNet, sampled boxes and dense positions of COCO."""


def measure(case: LossCase, rows: int, classes: int, settings: Settings) -> dict[str, Any]:
    """Measure one loss at one shape: forward, and backward to the student's logits.

    Side by side: the registered module as training calls it, its checks included; its
    straightforward form; plain KD on as many logits, for SDD on (N · R, C) and on (N, C) too; with
    ``settings.compile`` the compiled module.

    Args:
        case: The loss.
        rows: N.
        classes: C.
        settings: Device, dtype, rounds and limits.

    Returns:
        Plain values. ``ms`` has medians and ``peak`` bytes beyond the inputs, both of 'ours',
        'straightforward', 'KD', for SDD 'KD of the rows', and 'compiled'; ``to_kd``, ``speed_up``
        and ``by_compiling`` are medians over the rounds, ``needs`` the bytes of what was left out
        for them. ``targets`` are those of a CPU and float32.
    """
    sources: dict[str, Form] = {'ours': case.build(), 'straightforward': case.straightforward}

    def work_at(name: str) -> Callable[[int], Callable[[], object]]:
        return lambda size: training_call(
            sources[name], case.batch(size, classes, settings.device, settings.dtype)
        )

    needs = {name: settings.needs(work_at(name), rows) for name in sources}
    works = {name: work_at(name)(rows) for name, needed in needs.items() if needed is None}
    works['KD'] = _kd(rows * max(case.regions, 1), classes, settings)
    if case.regions:
        works['KD of the rows'] = _kd(rows, classes, settings)
    if settings.compile and 'ours' in works:
        torch.compiler.reset()  # else a graph for any shape, after the first few
        sources['compiled'] = torch.compile(case.build(), fullgraph=True)
        works['compiled'] = work_at('compiled')(rows)
        works['compiled']()
    peaks = {name: peak_memory(work, settings.device) for name, work in works.items()}
    times = settings.times(works)
    row = {
        'loss': case.name,
        'rows': rows,
        'classes': classes,
        'regions': case.regions,
        'rounds': len(times['KD']),
        'ms': {name: 1e3 * median(seconds) for name, seconds in times.items()},
        'to_kd': _compared(times, 'ours', 'KD'),
        'speed_up': _compared(times, 'straightforward', 'ours'),
        'by_compiling': _compared(times, 'ours', 'compiled'),
        'peak': peaks,
        'needs': {name: needed for name, needed in needs.items() if needed is not None},
    }
    plain = settings.plain()
    asked = SPEED if (settings.device.type, plain['dtype']) == ('cpu', 'float32') else ()
    return {**row, 'targets': verdicts(asked, row)}


def _compared(times: Times, of: str, to: str) -> float | None:
    """The ratio, if both were timed."""
    return ratio(times, of, to) if of in times and to in times else None


def _kd(rows: int, classes: int, settings: Settings) -> Callable[[], object]:
    """Plain KD's work at that shape."""
    return training_call(KD.build(), KD.batch(rows, classes, settings.device, settings.dtype))


def report(settings: Settings) -> Report:
    """Return the table that rows of :func:`measure` go into."""
    return Report(f'Losses, forward and backward ({settings})', settings.plain(), COLUMNS)


def describe(row: dict[str, Any]) -> str:
    """Return a row as a line for a log."""
    loss, logits, ms, to_kd, speed_up = (column.cell(row) for column in COLUMNS[:5])
    return f'{loss}, {logits}: ms {ms}, × KD {to_kd}, speed-up {speed_up}'


def _logits(row: dict[str, Any]) -> str:
    shape = (row['rows'], row['classes'], row['regions'])
    return '×'.join(str(size) for size in shape if size)


def _milliseconds(row: dict[str, Any], name: str) -> str:
    needed = row['needs'].get(name)
    return gigabytes(needed) if needed else significant(row['ms'][name])


def _megabytes(row: dict[str, Any], name: str) -> str:
    needed = row['needs'].get(name)
    return gigabytes(needed) if needed else significant(row['peak'][name] / 1e6)


def _factor(row: dict[str, Any], key: str) -> str:
    return '–' if row[key] is None else significant(row[key])


COLUMNS = (
    Column('Loss', lambda row: row['loss'], number=False),
    Column('Logits', _logits),
    Column('ms', lambda row: _milliseconds(row, 'ours')),
    Column('× KD', lambda row: _factor(row, 'to_kd')),
    Column('Speed-up', lambda row: _factor(row, 'speed_up')),
    Column('By compiling', lambda row: _factor(row, 'by_compiling')),
    Column('MB', lambda row: _megabytes(row, 'ours')),
    Column('MB, KD', lambda row: _megabytes(row, 'KD')),
    Column('MB, straightforward', lambda row: _megabytes(row, 'straightforward')),
    Column('Target', lambda row: in_words(row['targets']), number=False),
)
