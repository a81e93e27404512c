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

from rich.console import Console

from mmlogitkd.benchmarks.report import is_missed
from mmlogitkd.benchmarks.step_options import cases_of, step_parser
from mmlogitkd.benchmarks.steps import STEP_TARGET, measure_step, step_report
from mmlogitkd.benchmarks.workers import WorkerError

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
    console = Console(width=None if sys.stdout.isatty() else 120)
    args.out.mkdir(parents=True, exist_ok=True)
    settings = dict(
        device=args.device,
        amp=args.amp,
        rounds=args.rounds,
        system_malloc=args.system_malloc,
        options=args.cfg_options,
    )
    report = step_report(settings)
    for number, case in enumerate(cases, 1):
        title = f'[{number}/{len(cases)}] {case.pair.name}, {case.loss}'
        with console.status(title):
            try:
                times = measure_step(
                    case.settings,
                    args.rounds,
                    args.warm_up,
                    with_profile=args.profile,
                    keep_memory=not args.system_malloc,
                )
            except WorkerError as error:
                console.print(f'{title}: {error}', markup=False, highlight=False)
                return 1
        report.rows.append(case.row(STEP_TARGET, times.row()))
        paths = report.save(args.out, 'steps')  # after every line: a later one may fail
        console.print(f'{title}: {times.ratio:.3f}', markup=False, highlight=False)
        if args.profile:
            file = args.out / f'steps_{case.pair.name}_{case.loss}.txt'.replace(' ', '-')
            file.write_text(times.profile, encoding='utf-8')
    console.print(report.table())
    console.print('Written: ' + ', '.join(map(str, paths)), soft_wrap=True, highlight=False)
    return 1 if args.check and any(map(is_missed, report.rows)) else 0


if __name__ == '__main__':
    sys.exit(main())
