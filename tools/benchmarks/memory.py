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

from mmlogitkd.benchmarks.memory import MEMORY_TARGET, measure_memory, memory_report
from mmlogitkd.benchmarks.step_console import Measured, fill
from mmlogitkd.benchmarks.step_options import Case, cases_of, step_parser

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit status."""
    parser = step_parser('Measure the peak memory of distilled training')
    parser.add_argument('--steps', type=int, default=4, help='iterations of every run (4)')
    parser.add_argument('--repeats', type=int, default=3, help='processes of each kind (3)')
    args = parser.parse_args(arguments)
    cases = cases_of(parser, args, CONFIGS, counts=('steps', 'repeats'))
    settings = dict(
        device=args.device,
        amp=args.amp,
        steps=args.steps,
        repeats=args.repeats,
        options=args.cfg_options,
    )

    def measure(case: Case) -> Measured:
        return measure_memory(case.settings, args.steps, args.repeats)

    return fill(memory_report(settings), cases, measure, MEMORY_TARGET, 'memory', args)


if __name__ == '__main__':
    sys.exit(main())
