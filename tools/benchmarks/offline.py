"""Time training steps with a cached teacher against the plain student's and the live teacher's.

Example:
    python tools/benchmarks/offline.py --out work_dirs/benchmarks
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import torch
from rich.console import Console

from mmlogitkd.benchmarks.offline_speed import OfflineSettings, measure_offline, offline_report

PAIR = 'configs/classification/ldrld/ldrld_resnet32x4-resnet8x4_1xb64-240e_cifar100.py'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Time steps with a cached teacher')
    parser.add_argument('--config', default=str(Path(__file__).parents[2] / PAIR))
    parser.add_argument(
        '--workers', type=int, nargs='+', default=[0, 2], help='processes that load images (0 2)'
    )
    parser.add_argument('--rounds', type=int, default=9, help='measurements of each kind (9)')
    parser.add_argument(
        '--steps',
        type=int,
        default=20,
        help='iterations of a measurement, five of them untimed (20)',
    )
    parser.add_argument('--threads', type=int, default=os.cpu_count(), help='of torch (all cores)')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/benchmarks'))
    return parser.parse_args()


def main() -> None:
    """Measure, print and write the table."""
    args = parse_args()
    torch.set_num_threads(args.threads)
    rows = []
    for workers in args.workers:
        settings = OfflineSettings(args.config, workers, args.steps, device=args.device)
        with tempfile.TemporaryDirectory() as folder:
            rows.append((workers, measure_offline(settings, Path(folder), args.rounds)))
    known = {name: getattr(args, name) for name in ('rounds', 'steps', 'threads', 'device')}
    report = offline_report({'config': Path(args.config).name, **known}, rows)
    Console().print(report.table())
    for path in report.save(args.out, 'offline'):
        print(path)


if __name__ == '__main__':
    main()
