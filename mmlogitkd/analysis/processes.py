"""A run as a process of the standard tools, and its result from what they write."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .results import Result, RunFailedError
from .runs import Run

__all__ = ['collect', 'fraction', 'processes', 'start', 'threads_per_run']

# mmdet then logs no metric of its own, and MMEngine repeats those of the validation before.
_NOTHING_FOUND = 'results of the whole dataset is empty'


def threads_per_run(workers: int) -> int:
    """Return how many threads each of several runs gets."""
    return max(1, (os.cpu_count() or 1) // workers)


@contextmanager
def processes() -> Iterator[dict[Run, subprocess.Popen]]:
    """Yield a table of processes that are stopped when the block is left."""
    table: dict[Run, subprocess.Popen] = {}
    try:
        yield table
    finally:
        for process in table.values():
            process.terminate()
        for process in table.values():
            process.wait()


def start(run: Run, tools: Path, threads: int) -> subprocess.Popen:
    """Start a run in an empty work folder.

    Args:
        run: What to run; its teacher has to have run.
        tools: Folder of ``train.py`` and ``test.py``.
        threads: Threads that it may use.

    Raises:
        RunFailedError: The teacher has saved no checkpoint.
    """
    options = list(run.options)
    if run.teacher is not None:
        checkpoint = run.teacher.checkpoint
        if checkpoint is None:
            raise RunFailedError(
                f'{run.label}: {run.teacher.label} saved no checkpoint in {run.teacher.folder}; '
                'its config needs a CheckpointHook'
            )
        options.append(f'default_hooks.distill.teacher.checkpoint={checkpoint}')
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.mkdir(parents=True)
    tool = 'train.py' if run.given is None else 'test.py'
    command = [sys.executable, str(tools / tool), str(run.config)]
    if run.given is not None:
        command += [run.given, '--out', str(_measured(run)), '--out-item', 'metrics']
    command += ['--work-dir', str(run.folder)]
    if options:
        command += ['--cfg-options', *options]
    environment = {**os.environ, 'OMP_NUM_THREADS': str(threads)}
    with (run.folder / 'output.txt').open('w', encoding='utf-8') as output:
        return subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, text=True
        )


def collect(run: Run, process: subprocess.Popen, seconds: float) -> Result:
    """Keep and return the result of a run that has ended.

    Raises:
        RunFailedError: It ended with an error or without a validation.
    """
    path = run.folder / 'output.txt'
    output = path.read_text(encoding='utf-8', errors='replace')
    if process.returncode:
        tail = '\n'.join(output.splitlines()[-15:])
        raise RunFailedError(f'{run.label} ended with {process.returncode}:\n{tail}\n(all: {path})')
    if run.given is None:
        lines = [line for line in _scalars(run) if 'loss' not in line]
    else:
        lines = [{'step': 0, **json.loads(_measured(run).read_text(encoding='utf-8'))}]
    if not lines:
        raise RunFailedError(f'{run.label}: no validation in its log ({path})')
    validations = [{key: _defined(value) for key, value in line.items()} for line in lines]
    if _NOTHING_FOUND in output.rpartition('(train)')[2]:  # after the last training step
        validations[-1] = {'step': validations[-1]['step']}
    command = list(map(str, process.args))  # type: ignore[arg-type]
    result = Result(run.name, run.seed, run.digest, validations, round(seconds, 1), command)
    result.save(run.result)
    return result


def fraction(run: Run) -> float:
    """Return how much of a run in progress is done, 0 to 1, from MMEngine's log."""
    steps = [line for line in _scalars(run) if 'loss' in line]
    if not steps:
        return 0.0
    done = steps[-1]['epoch'] - 1 if run.by_epoch else steps[-1]['step']
    return done / run.length


def _measured(run: Run) -> Path:
    return run.folder / 'metrics.json'


def _defined(value: float) -> float | None:
    """Return None for NaN and -1: COCO's marks for nothing to measure."""
    return None if math.isnan(value) or value == -1 else value


def _scalars(run: Run) -> list[dict[str, float]]:
    """Return the lines that MMEngine's local backend has written; the last may be incomplete."""
    lines = []
    for file in sorted(run.folder.glob('*/vis_data/scalars.json')):
        for line in file.read_text(encoding='utf-8').splitlines():
            try:
                lines.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return lines
