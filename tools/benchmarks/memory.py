"""Measure the peak memory of distilled training against its limit.

The limit is the plain student's peak plus the teacher's weights plus one forward pass of the
teacher. Every number comes from a fresh process: on the CPU the resident size above that of the
same process before its first step (Linux), on CUDA what torch's allocator gave out.

Example:
    python tools/benchmarks/memory.py --check
    python tools/benchmarks/memory.py --pairs 'Faster R-CNN R50-R18' --device cuda --amp bfloat16
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mmlogitkd.benchmarks.memory import MEMORY_TARGET, measure_memory, memory_report
from mmlogitkd.benchmarks.report import is_missed
from mmlogitkd.benchmarks.step_options import cases_of, step_parser
from mmlogitkd.benchmarks.workers import WorkerError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit status."""
    parser = step_parser('Measure the peak memory of distilled training')
    parser.add_argument('--steps', type=int, default=4, help='iterations of every run (4)')
    parser.add_argument('--repeats', type=int, default=3, help='processes of each kind (3)')
    args = parser.parse_args(arguments)
    cases = cases_of(parser, args, CONFIGS, counts=('steps', 'repeats'))
    console = Console(width=None if sys.stdout.isatty() else 120)
    settings = dict(
        device=args.device,
        amp=args.amp,
        steps=args.steps,
        repeats=args.repeats,
        options=args.cfg_options,
    )
    report = memory_report(settings)
    for number, case in enumerate(cases, 1):
        title = f'[{number}/{len(cases)}] {case.pair.name}, {case.loss}'
        with console.status(title):
            try:
                use = measure_memory(case.settings, args.steps, args.repeats)
            except WorkerError as error:
                console.print(f'{title}: {error}', markup=False, highlight=False)
                return 1
        report.rows.append(case.row(MEMORY_TARGET, use.row()))
        paths = report.save(args.out, 'memory')  # after every line: a later one may fail
        console.print(f'{title}: {use.ratio:.3f}', markup=False, highlight=False)
    console.print(report.table())
    console.print('Written: ' + ', '.join(map(str, paths)), soft_wrap=True, highlight=False)
    return 1 if args.check and any(map(is_missed, report.rows)) else 0


if __name__ == '__main__':
    sys.exit(main())
