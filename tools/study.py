"""Train a teacher and compare students over seeds: runs, then a table and a figure.

Every run is a process of tools/train.py. Its result is kept, so an interrupted study goes on where
it was, and a second call only prints.

Example:
    python tools/study.py configs/cifar100_study/study.yml --workers 2
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mmlogitkd.analysis import (
    TEACHER,
    Run,
    RunFailedError,
    Study,
    StudyProgress,
    launch,
    load_study,
    markdown_table,
    plan,
    plot_rows,
    rich_table,
    summarise,
)

TRAIN = Path(__file__).resolve().with_name('train.py')


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Compare trainings over seeds')
    parser.add_argument('study', type=Path, help='path of the study file')
    parser.add_argument(
        '--work-dir',
        type=Path,
        help='folder of runs and results (work_dirs/<folder of the study>, and within it '
        '<name of the file> unless that is study.yml)',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=min(2, os.cpu_count() or 1),
        help='runs at a time, which share the cores (2)',
    )
    parser.add_argument('--seeds', type=int, nargs='+', help="instead of the study's")
    parser.add_argument('--only', nargs='+', help='only these students')
    parser.add_argument('--fresh', action='store_true', help='forget the results that are kept')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], help='key=value for the config of every run'
    )
    args = parser.parse_args(arguments)
    if args.workers < 1:
        parser.error(f'--workers must be at least 1, got {args.workers}')
    return args


def default_folder(study: Path) -> Path:
    """Return the work folder of a study; those of one folder's studies differ."""
    study = study.resolve()
    folder = Path('work_dirs') / study.parent.name
    return folder if study.stem == 'study' else folder / study.stem


def work_folder(args: argparse.Namespace) -> Path:
    """Return the folder that the command line means."""
    return (args.work_dir or default_folder(args.study)).resolve()


def wanted_runs(args: argparse.Namespace, study: Study) -> list[Run]:
    """Return the runs that the command line asks for, the teacher first."""
    return [
        run
        for run in plan(study, work_folder(args), args.cfg_options, args.seeds)
        if not args.only or run.name in (TEACHER, *args.only)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study and show what came out; return the exit status."""
    return run_study(parse_args(arguments))


def run_study(args: argparse.Namespace) -> int:
    """Do what a parsed command line says; return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave through `finally`s
    console = Console()
    study = load_study(args.study)
    unknown = set(args.only or ()) - set(study.students)
    if unknown:
        console.print(f'No such students: {sorted(unknown)}; there are {list(study.students)}')
        return 2
    folder = work_folder(args)
    if args.fresh:
        shutil.rmtree(folder / 'results', ignore_errors=True)
    runs = wanted_runs(args, study)
    try:
        with StudyProgress(console, study.metrics[0]) as progress:
            results = launch(runs, study.metrics, TRAIN, args.workers, progress.update)
    except KeyboardInterrupt:
        console.print('Stopped. The results so far are kept; the same command goes on.')
        return 130
    except RunFailedError as error:
        console.print(str(error), markup=False, highlight=False)
        return 1

    rows = summarise(results.values(), [TEACHER, *study.students], study.metrics)
    reference = next(iter(study.students))
    console.print(rich_table(rows, reference, study.metrics, study.title))
    table = markdown_table(rows, reference, study.metrics)
    (folder / 'table.md').write_text(table, encoding='utf-8')
    plot_rows(rows, folder / 'figure.png', study.title, study.metrics[0])
    console.print(f'Table: {folder}/table.md\nFigure: {folder}/figure.png', soft_wrap=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
