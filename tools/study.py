"""Train teachers and compare their students over seeds: runs, then tables and a figure.

Every run is a process of tools/train.py (of tools/test.py for a teacher that is given). Its result
is kept, so an interrupted study goes on where it was, and a second call only prints.

Example:
    python tools/study.py configs/cifar100_study/study.yml --workers 2
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mmlogitkd.analysis import (
    Group,
    Result,
    Run,
    RunFailedError,
    State,
    Study,
    StudyProgress,
    kept_results,
    launch,
    load_study,
    markdown_table,
    plan,
    plot_blocks,
    record_environment,
    rich_table,
    runs_of,
    slug,
    summarise,
    threads_per_run,
    write_csv,
)

TOOLS = Path(__file__).resolve().parent


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
    parser.add_argument(
        '--pairs',
        nargs='+',
        help='only these pairs; letters, digits and hyphens will do for a name',
    )
    parser.add_argument('--only', nargs='+', help='only these students')
    parser.add_argument(
        '--keep-going',
        action='store_true',
        help='after a failure, go on with the runs that do not need the failed one',
    )
    forget = parser.add_mutually_exclusive_group()
    forget.add_argument(
        '--fresh', action='store_true', help='forget the results of the runs that are asked for'
    )
    forget.add_argument(
        '--table-only', action='store_true', help='run nothing, show the results that there are'
    )
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


def wanted_groups(args: argparse.Namespace, study: Study) -> list[Group]:
    """Return what the command line asks for.

    Raises:
        ValueError: It names pairs or students that the study does not have.
    """
    pairs = None
    if args.pairs:
        if not any(pair.name for pair in study.pairs):
            raise ValueError(f'{args.study} has one pair, without a name: leave --pairs out')
        legal = {pair.name: slug(pair.name) for pair in study.pairs if pair.name}
        pairs = [name for name, short in legal.items() if {name, short} & set(args.pairs)]
        if unknown := set(args.pairs) - set(legal) - set(legal.values()):
            raise ValueError(f'No such pairs: {sorted(unknown)}; there are {list(legal.values())}')
    chosen = [pair for pair in study.pairs if pairs is None or pair.name in pairs]
    students = list(dict.fromkeys(name for pair in chosen for name in pair.students))
    if unknown := set(args.only or ()) - set(students):
        raise ValueError(f'No such students: {sorted(unknown)}; there are {students}')
    return plan(study, work_folder(args), args.cfg_options, args.seeds, pairs, args.only)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study and show what came out; return the exit status."""
    return run_study(parse_args(arguments))


def run_study(args: argparse.Namespace) -> int:
    """Do what a parsed command line says; return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave through `finally`s
    console = Console()

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    try:
        study = load_study(args.study)
        with console.status('Reading the configs'):
            groups = wanted_groups(args, study)
    except ValueError as error:
        say(str(error))
        return 2
    runs = runs_of(groups)
    try:
        if args.table_only:
            state = State(runs, args.workers, kept_results(runs, study.metrics))
        else:
            state = run_all(args, study, runs, console)
    except KeyboardInterrupt:
        say('Stopped. The results so far are kept; the same command goes on.')
        return 130
    except RunFailedError as error:
        say(
            f'{error}\n\nStopped. The results so far are kept, and the same command goes on; with '
            '--keep-going it does so past failures, with --table-only it shows the results.'
        )
        return 1
    show(args, study, groups, state.results, console)
    if state.failures:
        say(f'\n{len(state.failures)} failed, {len(state.blocked)} more need them:')
        say('\n\n'.join(map(str, state.failures.values())))
        return 1
    return 0


def run_all(args: argparse.Namespace, study: Study, runs: Sequence[Run], console: Console) -> State:
    """Run what has no result; return the results and, with ``--keep-going``, the failures."""
    if args.fresh:
        for run in runs:
            run.result.unlink(missing_ok=True)
    if len(kept_results(runs, study.metrics)) < len(runs):
        threads = threads_per_run(args.workers)
        record_environment(work_folder(args) / 'environment.json', args.workers, threads)
    with StudyProgress(console, study.metrics[0]) as progress:
        return launch(runs, study.metrics, TOOLS, args.workers, progress.update, args.keep_going)


def show(
    args: argparse.Namespace,
    study: Study,
    groups: Sequence[Group],
    results: dict[Run, Result],
    console: Console,
) -> None:
    """Print the table and write it, every run and the figure."""
    folder = work_folder(args)
    folder.mkdir(parents=True, exist_ok=True)
    blocks = summarise(groups, results)
    console.print(rich_table(blocks, study.metrics, study.title, study.published_as))
    table = markdown_table(blocks, study.metrics, study.published_as)
    (folder / 'table.md').write_text(table, encoding='utf-8')
    write_csv(folder / 'results.csv', groups, results, study.metrics, args.study.resolve().parent)
    figure = folder / 'figure.png'
    plot_blocks(blocks, figure, study.title, study.metrics[0], study.published_as)
    console.print(
        f'Table: {folder}/table.md\nEvery run: {folder}/results.csv\nFigure: {figure}',
        soft_wrap=True,
    )


if __name__ == '__main__':
    sys.exit(main())
