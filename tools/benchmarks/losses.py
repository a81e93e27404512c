"""Time every loss, and the memory it needs, beside plain KD and a straightforward implementation.

A row is one loss at one shape of logits: forward, and backward to the student's logits, of the
registered module with its checks, of the same loss as one writes it from the paper's formula, and
of plain KD on as many logits, all in one process and turn by turn. What must be reached is in
mmlogitkd/benchmarks/loss_targets.py.

Example:
    python tools/benchmarks/losses.py --out work_dirs/benchmarks --check
    python tools/benchmarks/losses.py --only LDRLD KD --shapes 256x1000 --device cuda
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from mmlogitkd.benchmarks.loss_cases import choose
from mmlogitkd.benchmarks.loss_console import fill
from mmlogitkd.benchmarks.loss_settings import add_arguments, settings_of
from mmlogitkd.benchmarks.loss_speed import SHAPES, describe, measure, report


def shape(text: str) -> tuple[int, int]:
    """Read rows and classes such as '256x1000'."""
    rows, _, classes = text.partition('x')
    if not (rows.isdigit() and classes.isdigit() and int(rows) > 1 and int(classes) > 7):
        raise argparse.ArgumentTypeError(
            f'{text!r}: rows and classes as in 256x1000, at least 2 rows and 8 classes'
        )
    return int(rows), int(classes)


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Time and memory of the losses')
    default = ' '.join(f'{rows}x{classes}' for rows, classes in SHAPES)
    parser.add_argument(
        '--shapes',
        nargs='+',
        type=shape,
        default=SHAPES,
        metavar='NxC',
        help=f'rows and classes of the logits ({default})',
    )
    add_arguments(parser, rounds=15)
    parser.add_argument(
        '--compile', action='store_true', help='time the losses compiled by torch.compile, too'
    )
    args = parser.parse_args(arguments)
    try:
        args.cases = choose(args.only)
    except ValueError as error:
        parser.error(str(error))
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and show the table; return the exit status."""
    args = parse_args(arguments)
    settings = replace(settings_of(args), compile=args.compile)
    todo = [
        (f'{case.name}, {rows} × {classes}', partial(measure, case, rows, classes, settings))
        for rows, classes in args.shapes
        for case in args.cases
    ]
    return fill(report(settings), todo, describe, 'losses', args)


if __name__ == '__main__':
    sys.exit(main())
