"""What the programs of the losses' benchmarks do with their rows: measure, show, save, judge."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console

from .loss_targets import missed
from .report import Report

__all__ = ['fill']

Row = dict[str, Any]


def fill(
    report: Report,
    todo: Iterable[tuple[str, Callable[[], Row]]],
    describe: Callable[[Row], str],
    name: str,
    args: argparse.Namespace,
) -> int:
    """Measure the rows of a report one after the other, show it, and save it with ``--out``.

    Args:
        report: Without rows.
        todo: What a row is about, and the work that returns it.
        describe: From a row to a line for the log.
        name: Of the files.
        args: The command line, with ``out`` and ``check``.

    Returns:
        The exit status: 1 if a target is missed and ``--check`` asks for that.
    """
    os.environ.setdefault('KINETO_LOG_LEVEL', '6')  # the profiler's starts and stops are no news
    console = Console()
    if not console.is_terminal:
        console.width = 130  # of a log file, whose lines need not be short
    todo = list(todo)

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    for number, (what, measure) in enumerate(todo, 1):
        with console.status(what):
            report.rows.append(measure())
        say(f'[{number}/{len(todo)}] {describe(report.rows[-1])}')
    console.print(report.table())
    if args.out:
        say('Written: {}, {}'.format(*report.save(args.out, name)))
    count = missed(report.rows)
    say(f'Targets missed: {count}')
    return 1 if args.check and count else 0
