"""Time one answer of the teacher, with every switch of its fast path by itself and all together.

Weights and images are random, nothing is downloaded. Models of one case are timed turn by turn.

Example:
    python tools/benchmarks/teacher.py --out work_dirs/benchmarks
    python tools/benchmarks/teacher.py --only ResNet34 --fast fuse default compile --device cuda
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from mmengine.logging import MMLogger
from rich.console import Console

from mmlogitkd.benchmarks.teacher_speed import (
    CASES,
    VARIANTS,
    TeacherCase,
    measure,
    teacher_report,
)

DEFAULTS = ['fuse', 'skip_unused', 'channels_last', 'inference_mode', 'default']


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    names = list(dict.fromkeys(case.name for case in CASES))
    parser = argparse.ArgumentParser(description='Time one answer of the teacher')
    parser.add_argument('--only', nargs='+', choices=names, default=names, help='teachers (all)')
    parser.add_argument(
        '--fast', nargs='+', choices=list(VARIANTS), default=DEFAULTS, help='what is switched on'
    )
    parser.add_argument('--size', type=int, help='side of the images (of each case)')
    parser.add_argument('--rounds', type=int, default=9, help='rounds that count (9)')
    parser.add_argument('--threads', type=int, default=2, help='of PyTorch, on the CPU (2)')
    parser.add_argument('--device', default='cpu', help='cpu or cuda (cpu)')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/benchmarks'), help='folder')
    args = parser.parse_args(arguments)
    if min(args.rounds, args.threads, args.size or 32) < 1:
        parser.error('--rounds, --threads and --size: numbers above 0 expected')
    return args


def chosen(names: Sequence[str], size: int | None) -> list[TeacherCase]:
    """Return the cases of these names, of images of one size if it is given."""
    cases = [case for case in CASES if case.name in names]
    if size is None:
        return cases
    return [
        replace(case, shape=(*case.shape[:2], size, size))
        for case in {case.name: case for case in cases}.values()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show the table and write it; return the exit status."""
    args = parse_args(arguments)
    torch.set_num_threads(args.threads)
    MMLogger.get_instance('benchmark', log_level='WARNING')
    settings = dict(device=args.device, threads=args.threads, rounds=args.rounds)
    console, report = Console(), teacher_report(settings)
    for case in chosen(args.only, args.size):
        with console.status(f'{case.name}, {case.shape[2]} pixels'):
            report.rows += measure(case, args.fast, args.rounds, args.device)
    console.print(report.table())
    paths = report.save(args.out, 'teacher')
    console.print('Written: ' + ', '.join(map(str, paths)), soft_wrap=True, highlight=False)
    return 0


if __name__ == '__main__':
    sys.exit(main())
