"""What the programs of the step benchmarks do with their cases: measure, save, show, judge."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from rich.console import Console

from .report import Report, is_missed
from .step_options import Case
from .workers import WorkerError

__all__ = ['Measured', 'fill']


class Measured(Protocol):
    """What was measured of a case."""

    @property
    def ratio(self) -> float:
        """That which the target is about."""

    def row(self) -> dict[str, Any]:
        """Return it as plain values."""


def fill(
    report: Report,
    cases: Sequence[Case],
    measure: Callable[[Case], Measured],
    target: float,
    name: str,
    args: argparse.Namespace,
) -> int:
    """Measure the cases one after the other, save the report after each, and show it.

    Args:
        report: Without rows.
        cases: What to measure.
        measure: Does it.
        target: The largest ratio that is asked for.
        name: Of the files.
        args: The command line, with ``out`` and ``check``.

    Returns:
        The exit status: 1 if a worker failed, or if a target is missed and ``--check`` asks.
    """
    console = Console(width=None if sys.stdout.isatty() else 120)

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    for number, case in enumerate(cases, 1):
        title = f'[{number}/{len(cases)}] {case.pair.name}, {case.loss}'
        with console.status(title):
            try:
                measured = measure(case)
            except WorkerError as error:
                say(f'{title}: {error}')
                return 1
        report.rows.append(case.row(target, measured.row()))
        paths = report.save(args.out, name)  # a later one may fail
        say(f'{title}: {measured.ratio:.3f}')
    console.print(report.table())
    say('Written: ' + ', '.join(map(str, paths)))
    return 1 if args.check and any(map(is_missed, report.rows)) else 0
