"""Run what a study needs, several processes at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .metrics import Metric
from .processes import collect, fraction, processes, start, threads_per_run
from .results import RunFailedError, check_metrics, kept_results
from .runs import Run
from .state import State

__all__ = ['launch']

_POLL = 0.5  # seconds


def launch(
    runs: Sequence[Run],
    metrics: Sequence[Metric],
    tools: Path,
    workers: int = 1,
    watch: Callable[[State, Run | None], None] = lambda state, ended: None,
    keep_going: bool = False,
) -> State:
    """Run what has no result yet, in the order of ``runs``.

    Every run is one process of a standard tool. A run that distils waits for its teacher; what
    comes after it goes first then, so that no worker is idle. A teacher with a result is trained
    again if its checkpoint is gone and a run needs it.

    Args:
        runs: What to run; the teacher of every run is among them.
        metrics: What every run has to measure.
        tools: Folder of ``train.py`` and ``test.py``.
        workers: Processes at a time; they share the processor's cores.
        watch: Called twice a second with the state, and with every run that has ended.
        keep_going: Whether a failure leaves the runs going that do not need the failed one.

    Returns:
        The state at the end: the results, kept ones included, and the failures.

    Raises:
        RunFailedError: A run failed and ``keep_going`` is False, or a run does not measure what is
            asked for; the others are stopped. Results so far are kept.
    """
    state = State(runs, workers, kept_results(runs, metrics))
    for run in runs:
        if run.teacher and run not in state.results and run.teacher.checkpoint is None:
            state.results.pop(run.teacher, None)
    waiting = [run for run in runs if run not in state.results]
    with processes() as going:
        while True:
            ready = [run for run in waiting if run.teacher is None or run.teacher in state.results]
            for run in ready[: workers - len(going)]:
                waiting.remove(run)
                with _failures(state, run, keep_going):
                    going[run] = start(run, tools, threads_per_run(workers))
                    state.started[run] = time.monotonic()
                if run in state.failures:
                    watch(state, run)
            if not going and not (set(ready) & set(waiting)):
                return state
            for run, process in list(going.items()):
                if process.poll() is None:
                    continue
                del going[run]
                seconds = time.monotonic() - state.started.pop(run)
                with _failures(state, run, keep_going):
                    state.results[run] = collect(run, process, seconds)
                if run in state.results:
                    check_metrics(run, state.results[run], metrics)
                watch(state, run)
            state.parts = {run: fraction(run) for run in going}
            watch(state, None)
            time.sleep(_POLL)


@contextmanager
def _failures(state: State, run: Run, keep_going: bool) -> Iterator[None]:
    """Note the failure of a run instead of raising it."""
    try:
        yield
    except RunFailedError as error:
        if not keep_going:
            raise
        state.failures[run] = error
