"""Time every loss at growing numbers of rows N and classes C, and two of them at growing depth d.

All sizes of a row are timed turn by turn in one process, forward and backward to the student's
logits. The exponent is the slope of log time over log size by least squares, the fixed cost of a
call included; the last doubling is the slope between the two largest sizes. What must be reached is
in mmlogitkd/benchmarks/loss_targets.py.

Example:
    python tools/benchmarks/growth.py --out work_dirs/benchmarks --check
    python tools/benchmarks/growth.py --only LDRLD --against d --sizes 32 64 128 256
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from mmlogitkd.benchmarks.growth import AXES, describe, measure, report
from mmlogitkd.benchmarks.loss_cases import choose
from mmlogitkd.benchmarks.loss_console import fill
from mmlogitkd.benchmarks.loss_settings import add_arguments, settings_of


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Growth of the time of losses')
    names = [axis.name for axis in AXES]
    parser.add_argument(
        '--against', nargs='+', choices=names, default=names, help='what grows (all three)'
    )
    parser.add_argument(
        '--sizes', nargs='+', type=int, help="in place of the benchmark's own, for one --against"
    )
    add_arguments(parser, rounds=7)
    args = parser.parse_args(arguments)
    args.axes = [axis for axis in AXES if axis.name in args.against]
    try:
        args.cases = choose(args.only)
        if args.sizes:
            if len(args.axes) > 1:
                raise ValueError(f'--sizes needs one --against, of {names}')
            args.axes = [replace(args.axes[0], sizes=tuple(sorted(args.sizes)))]
    except ValueError as error:
        parser.error(str(error))
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and show the table; return the exit status."""
    args = parse_args(arguments)
    settings = settings_of(args)
    todo = [
        (f'{case.name} against {axis.name}', partial(measure, case, axis, settings))
        for axis in args.axes
        for case in args.cases
        if axis.has(case)
    ]
    return fill(report(settings), todo, describe, 'growth', args)


if __name__ == '__main__':
    sys.exit(main())
