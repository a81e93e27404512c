"""Run trainings as processes of the standard tool, several at a time."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .metrics import Metric
from .study import TEACHER, Result, Run

__all__ = ['RunFailedError', 'State', 'launch']

_POLL = 0.5  # seconds
# What a validation's line of the log holds besides metrics.
_BOOKKEEPING = {'step', 'epoch', 'iter', 'time', 'data_time', 'memory'}
# mmdet then logs no metric of its own, and MMEngine repeats those of the validation before.
_NOTHING_FOUND = 'results of the whole dataset is empty'


class RunFailedError(RuntimeError):
    """A training ended with an error or without what the study measures."""


@dataclass
class State:
    """Where the runs stand.

    Attributes:
        runs: All runs.
        results: Results so far, by run.
        started: Start of the runs in progress, in :func:`time.monotonic` seconds, by run.
        workers: How many run at a time.
    """

    runs: Sequence[Run]
    workers: int
    results: dict[Run, Result] = field(default_factory=dict)
    started: dict[Run, float] = field(default_factory=dict)

    def time_left(self) -> float | None:
        """Estimate the seconds left from runs of the same kind, None before anything is known.

        A kind is a name; before one of it has ended, students that also distil (or also do not)
        stand for it, then the pace of the runs in progress, then any student.
        """
        seconds = 0.0
        for run in self.runs:
            if run in self.results:
                continue
            whole = self._duration(run)
            if whole is None:
                return None
            passed = time.monotonic() - self.started[run] if run in self.started else 0.0
            seconds += max(whole - passed, 0.0)
        return seconds / self.workers

    def _duration(self, run: Run) -> float | None:
        done = {other: result.seconds for other, result in self.results.items()}
        same = [seconds for other, seconds in done.items() if other.name == run.name]
        students = [
            (other.distils, seconds)
            for other, seconds in done.items()
            if TEACHER not in (run.name, other.name)
        ]
        alike = [seconds for distils, seconds in students if distils == run.distils]
        paces = [
            (time.monotonic() - begin) / part
            for other, begin in self.started.items()
            if (part := fraction(other)) > 0
        ]
        for known in (same, alike, paces, [seconds for _, seconds in students]):
            if known:
                return sum(known) / len(known)
        return None


def launch(
    runs: Sequence[Run],
    metrics: Sequence[Metric],
    tool: Path,
    workers: int = 1,
    watch: Callable[[State, Run | None], None] = lambda state, ended: None,
) -> dict[Run, Result]:
    """Run what has no result yet.

    Every run is one process of the training tool. The teacher goes first; runs that distil wait
    for it, others do not.

    Args:
        runs: What :func:`mmlogitkd.analysis.study.plan` returned.
        metrics: What every run has to measure.
        tool: Path of ``tools/train.py``.
        workers: Processes at a time; they share the processor's cores.
        watch: Called twice a second with the state, and with every run that has ended.

    Returns:
        The result of every run, kept ones included.

    Raises:
        RunFailedError: A run failed, or does not measure what is asked for; the others are stopped.
            Results so far are kept.
    """
    kept = {run: result for run in runs if (result := Result.of(run))}
    for run, result in kept.items():
        _check(run, result, metrics)
    state = State(runs, workers, kept)
    (teacher,) = (run for run in runs if run.name == TEACHER)
    waiting = [run for run in runs if run not in kept]
    threads = max(1, (os.cpu_count() or 1) // workers)
    with _processes() as processes:
        while waiting or processes:
            ready = [run for run in waiting if not run.distils or teacher in state.results]
            for run in ready[: workers - len(processes)]:
                waiting.remove(run)
                processes[run] = _start(run, teacher, tool, threads)
                state.started[run] = time.monotonic()
            for run, process in list(processes.items()):
                if process.poll() is None:
                    continue
                del processes[run]
                seconds = time.monotonic() - state.started.pop(run)
                state.results[run] = _collect(run, process, seconds)
                _check(run, state.results[run], metrics)
                watch(state, run)
            watch(state, None)
            time.sleep(_POLL)
    return state.results


@contextmanager
def _processes() -> Iterator[dict[Run, subprocess.Popen]]:
    """Yield a table of processes that are stopped when the block is left."""
    processes: dict[Run, subprocess.Popen] = {}
    try:
        yield processes
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait()


def _start(run: Run, teacher: Run, tool: Path, threads: int) -> subprocess.Popen:
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.mkdir(parents=True)
    options = list(run.options)
    if run.distils:
        options.append(f'default_hooks.distill.teacher.checkpoint={teacher.checkpoint}')
    command = [sys.executable, str(tool), str(run.config), '--work-dir', str(run.folder)]
    command += ['--cfg-options', *options]
    environment = {**os.environ, 'OMP_NUM_THREADS': str(threads)}
    with (run.folder / 'output.txt').open('w', encoding='utf-8') as output:
        return subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, text=True
        )


def _collect(run: Run, process: subprocess.Popen, seconds: float) -> Result:
    path = run.folder / 'output.txt'
    output = path.read_text(encoding='utf-8')
    if process.returncode:
        tail = '\n'.join(output.splitlines()[-15:])
        raise RunFailedError(
            f'{run.name}, seed {run.seed} ended with {process.returncode}:\n{tail}\n(all: {path})'
        )
    validations = [
        {key: _defined(value) for key, value in line.items()}
        for line in _scalars(run)
        if 'loss' not in line
    ]
    if not validations:
        raise RunFailedError(f'{run.name}, seed {run.seed}: no validation in its log ({path})')
    if _NOTHING_FOUND in output.rpartition('(train)')[2]:  # after the last training step
        validations[-1] = {'step': validations[-1]['step']}
    command = list(map(str, process.args))  # type: ignore[arg-type]
    result = Result(run.name, run.seed, run.digest, validations, round(seconds, 1), command)
    result.save(run.result)
    return result


def _defined(value: float) -> float | None:
    """Return None for NaN and -1: COCO's marks for nothing to measure."""
    return None if math.isnan(value) or value == -1 else value


def _check(run: Run, result: Result, metrics: Sequence[Metric]) -> None:
    """Tell a misspelt metric; no metric at all means that a detector has found nothing."""
    known = set(result.validations[-1]) - _BOOKKEEPING
    unknown = [metric.key for metric in metrics if metric.key not in known]
    if known and unknown:
        raise RunFailedError(
            f'{run.name}, seed {run.seed}: no {unknown} in its log, which has {sorted(known)}; '
            'change the metrics of the study file, nothing has to be trained again'
        )


def fraction(run: Run) -> float:
    """Return how much of a run in progress is done, 0 to 1, from MMEngine's log."""
    steps = [line for line in _scalars(run) if 'loss' in line]
    if not steps:
        return 0.0
    done = steps[-1]['epoch'] - 1 if run.by_epoch else steps[-1]['step']
    return done / run.length


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
