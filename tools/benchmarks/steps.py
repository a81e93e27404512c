"""Time the distilled training step against its limit: the student's step plus one teacher forward.

Every number comes from a real Runner (the plain student, the distilled student) or from the call
that the distilled run makes of its teacher, each in a process of its own; the three take turns, and
the ratio is the median over the rounds. Networks, losses, optimizer and hooks are those of the
configs; weights are random, images are generated, nothing is downloaded.

Example:
    python tools/benchmarks/steps.py --check
    python tools/benchmarks/steps.py --pairs 'RetinaNet R50-R18' --losses all --device cuda
    python tools/benchmarks/steps.py --pairs ResNet34-ResNet18 --size 128 --images 4 --profile
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mmlogitkd.benchmarks.step_console import Measured, fill
from mmlogitkd.benchmarks.step_options import Case, cases_of, step_parser
from mmlogitkd.benchmarks.steps import STEP_TARGET, measure_step, step_report

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit status."""
    parser = step_parser('Time the distilled training step')
    parser.add_argument('--rounds', type=int, default=15, help='rounds that count (15)')
    parser.add_argument('--warm-up', type=int, default=3, help='rounds before them (3)')
    parser.add_argument('--profile', action='store_true', help='profile one distilled step of each')
    parser.add_argument(
        '--system-malloc',
        action='store_true',
        help='leave it to the C library when freed memory goes back to the system (CPU)',
    )
    args = parser.parse_args(arguments)
    cases = cases_of(parser, args, CONFIGS, counts=('rounds', 'warm_up'))
    settings = dict(
        device=args.device,
        amp=args.amp,
        rounds=args.rounds,
        system_malloc=args.system_malloc,
        options=args.cfg_options,
    )

    def measure(case: Case) -> Measured:
        times = measure_step(
            case.settings,
            args.rounds,
            args.warm_up,
            with_profile=args.profile,
            keep_memory=not args.system_malloc,
        )
        if args.profile:
            args.out.mkdir(parents=True, exist_ok=True)
            file = args.out / f'steps_{case.pair.name}_{case.loss}.txt'.replace(' ', '-')
            file.write_text(times.profile, encoding='utf-8')
        return times

    return fill(step_report(settings), cases, measure, STEP_TARGET, 'steps', args)


if __name__ == '__main__':
    sys.exit(main())
