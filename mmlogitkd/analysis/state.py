"""Where the runs of a study stand, and how long they will still take."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from .results import Result, RunFailedError
from .runs import Run
from .study import TEACHER

__all__ = ['State']

_PACE = 'the pace of the runs in progress'


@dataclass
class State:
    """Where the runs stand.

    Attributes:
        runs: All runs.
        workers: How many run at a time.
        results: Results so far, by run.
        failures: What went wrong, by run.
        started: Start of the runs in progress, in :func:`time.monotonic` seconds, by run.
        parts: How much of the runs in progress is done, 0 to 1, by run.
    """

    runs: Sequence[Run]
    workers: int
    results: dict[Run, Result] = field(default_factory=dict)
    failures: dict[Run, RunFailedError] = field(default_factory=dict)
    started: dict[Run, float] = field(default_factory=dict)
    parts: dict[Run, float] = field(default_factory=dict)

    @property
    def blocked(self) -> list[Run]:
        """The runs whose teacher has failed."""
        return [run for run in self.runs if run.teacher in self.failures]

    def time_left(self) -> float | None:
        """Estimate the seconds left from runs of the same kind, None before anything is known.

        Before another run of the same config and teacher has ended, students of the same pair that
        also distil (or also do not) stand for it, then the pace of the runs in progress, then all
        runs of the same role: students, teachers, or teachers that are only tested. A test takes
        no time until one has ended.
        """
        now = time.monotonic()
        known: dict[Hashable, list[float]] = defaultdict(list)
        for run, result in self.results.items():
            for kind in _kinds(run):
                if kind != _PACE:
                    known[kind].append(result.seconds)
        for run, begin in self.started.items():
            if self.parts.get(run):
                known[_PACE].append((now - begin) / self.parts[run])
        over = {*self.results, *self.failures, *self.blocked}
        seconds = 0.0
        for run in self.runs:
            if run in over:
                continue
            whole = next((fmean(known[kind]) for kind in _kinds(run) if kind in known), None)
            if whole is None:
                if run.given is None:
                    return None
                whole = 0.0
            passed = now - self.started[run] if run in self.started else 0.0
            seconds += max(whole - passed, 0.0)
        return seconds / self.workers


def _kinds(run: Run) -> list[Hashable]:
    """Return what a run's duration can be told from, the best first."""
    role = (run.name == TEACHER, run.given is None)
    taught_by = run.teacher and run.teacher.config
    paced: list[Hashable] = [_PACE] if run.given is None else []
    return [(run.config, run.given, taught_by), (run.pair, role, taught_by is None), *paced, role]
