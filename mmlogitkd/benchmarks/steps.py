"""The cost of a distilled training step against its limit: the student's step and the teacher."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

from .report import Column, Report, ratio_cell
from .step_config import StepSettings
from .step_roles import ask_teacher, train
from .workers import Answer, Worker, rounds_of

__all__ = ['KEPT_MEMORY', 'STEP_TARGET', 'StepTimes', 'measure_step', 'step_report']

STEP_TARGET = 1.03
"""Distilled step / (student's step + teacher's forward pass), at most."""

KEPT_MEMORY = {'MALLOC_MMAP_MAX_': '0', 'MALLOC_TRIM_THRESHOLD_': str(10**11)}
"""Environment in which glibc keeps freed memory for later, as torch's allocator does on CUDA."""


@dataclass(frozen=True)
class StepTimes:
    """Seconds of steps that were measured in turns, one entry per round.

    Attributes:
        student: of the plain student's step.
        teacher: of the teacher's forward pass.
        distilled: of the distilled step.
        parts: medians in watched steps, which are slower: ``teacher``, ``losses`` (forward and
            backward), ``adapter`` (matching, without the teacher) and ``rest``.
        profile: table of torch's profiler, empty if not asked for.
    """

    student: list[float]
    teacher: list[float]
    distilled: list[float]
    parts: dict[str, float]
    profile: str = ''

    @property
    def ratio(self) -> float:
        """Median over the rounds of distilled / (student + teacher)."""
        return median(d / (s + t) for s, t, d in self._rounds)

    def row(self) -> dict[str, Any]:
        """Return the numbers for a report."""
        ratios = sorted(d / (s + t) for s, t, d in self._rounds)
        return dict(
            student=median(self.student),
            teacher=median(self.teacher),
            distilled=median(self.distilled),
            overhead=median(d - s - t for s, t, d in self._rounds),
            ratio=self.ratio,
            ratios=ratios,
            parts=self.parts,
        )

    @property
    def _rounds(self) -> list[tuple[float, float, float]]:
        return list(zip(self.student, self.teacher, self.distilled, strict=True))


def measure_step(
    settings: StepSettings,
    rounds: int = 15,
    warm_up: int = 3,
    watched: int = 3,
    with_profile: bool = False,
    keep_memory: bool = True,
) -> StepTimes:
    """Time the three in fresh processes that take turns.

    Args:
        settings: of the step.
        rounds: how many are counted.
        warm_up: rounds before these.
        watched: distilled steps after them whose parts are timed.
        with_profile: profile one more.
        keep_memory: let the processes keep freed memory. By default glibc returns it to the
            system, and a teacher alone, which then finds its own freed memory again, looks faster
            than the same pass among the student's activations.
    """
    environment = {} if settings.device == 'cuda' else {'CUDA_VISIBLE_DEVICES': ''}
    environment |= KEPT_MEMORY if keep_memory else {}
    steps, more = warm_up + rounds, watched + with_profile
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(name, work, args, environment))
            for name, work, args in (
                ('student', train, (settings, steps, False)),
                ('teacher', ask_teacher, (settings, steps)),
                ('distilled', train, (settings, steps + more, True)),
            )
        ]
        for worker in workers:
            worker.ready()
        answers = rounds_of(workers, rounds, warm_up)
        last = workers[-1]
        parts = _parts([last.turn('watched') for _ in range(watched)])
        table = last.turn('profile')['table'] if with_profile else ''
    seconds = {name: [answer['seconds'] for answer in given] for name, given in answers.items()}
    return StepTimes(**seconds, parts=parts, profile=table)


def _parts(answers: list[Answer]) -> dict[str, float]:
    """Medians of the parts; those that the stopwatches count twice are taken apart."""
    parts: dict[str, list[float]] = {}
    for answer in answers:
        whole, part = answer['seconds'], answer['parts']
        own = dict(
            teacher=part['teacher'],
            losses=part['losses'],
            adapter=part['collect'] - part['teacher'],
            rest=whole - part['collect'] - part['losses'],
        )
        for name, seconds in own.items():
            parts.setdefault(name, []).append(seconds)
    return {name: median(seconds) for name, seconds in parts.items()}


def step_report(settings: dict[str, Any]) -> Report:
    """Return a table for rows that hold :meth:`StepTimes.row` and what it was measured of."""
    columns = [
        Column('Pair', lambda row: row['pair'], number=False),
        Column('Step', lambda row: f'{row["images"]} × {row["size"]} px', number=False),
        Column('Loss', lambda row: row['loss'], number=False),
        *(_milliseconds(name.capitalize(), name) for name in ('student', 'teacher', 'distilled')),
        Column('Overhead', lambda row: f'{row["overhead"] * 1e3:.1f}'),
        Column('Ratio', ratio_cell),
        *(_part(name.capitalize(), name) for name in ('losses', 'adapter')),
    ]
    title = 'Training step, ms: distilled against student + teacher'
    return Report(title, settings, columns)


def _milliseconds(heading: str, key: str) -> Column:
    return Column(heading, lambda row: f'{row[key] * 1e3:.0f}')


def _part(heading: str, name: str) -> Column:
    return Column(heading, lambda row: f'{row["parts"][name] * 1e3:.1f}' if row['parts'] else '')
