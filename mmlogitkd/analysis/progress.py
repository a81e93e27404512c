"""Show how far the runs of a study are."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from .metrics import Metric
from .runs import Run
from .state import State

__all__ = ['StudyProgress', 'duration']


class StudyProgress:
    """One line per ended run; on a terminal also bars for the runs in progress.

    Use it as a context and give its :meth:`update` to :func:`mmlogitkd.analysis.launcher.launch`.

    Args:
        console: Where to write.
        metric: What to show of an ended run.
    """

    def __init__(self, console: Console, metric: Metric) -> None:
        self.console = console
        self.metric = metric
        self.progress = Progress(
            # a long name gives way to the numbers
            TextColumn('{task.description}', table_column=Column(no_wrap=True, ratio=1)),
            BarColumn(bar_width=14),
            TextColumn('{task.percentage:3.0f} %'),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            expand=True,
        )
        self.tasks: dict[Run, TaskID] = {}
        self.whole = self.progress.add_task('all runs', total=1.0)

    def __enter__(self) -> StudyProgress:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def update(self, state: State, ended: Run | None) -> None:
        """Show the state, and the result of a run that has just ended."""
        left = state.time_left()
        text = 'time left unknown' if left is None else f'about {duration(left)} left'
        over = len(state.results) + len(state.failures)
        if ended is not None:
            self.console.print(
                f'[{over}/{len(state.runs)}] {ended.label}: {self._outcome(state, ended)}; {text}',
                markup=False,
                highlight=False,
            )
        for run in set(self.tasks) - set(state.started):
            self.progress.remove_task(self.tasks.pop(run))
        for run in state.started:
            if run not in self.tasks:
                self.tasks[run] = self.progress.add_task(escape(run.label), total=1.0)
            self.progress.update(self.tasks[run], completed=state.parts.get(run, 0.0))
        done = over + len(state.blocked) + sum(state.parts.get(run, 0.0) for run in state.started)
        failed = f', {len(state.failures)} failed' if state.failures else ''
        self.progress.update(
            self.whole,
            completed=done / len(state.runs),
            description=f'{over} of {len(state.runs)} runs{failed}, {text}',
        )

    def _outcome(self, state: State, run: Run) -> str:
        if run in state.failures:
            return 'FAILED'
        result = state.results[run]
        value = self.metric.show(self.metric.of(result.validations[-1]))
        return f'{self.metric.name} {value} in {duration(result.seconds)}'


def duration(seconds: float) -> str:
    """Return a duration for people: ``'45 s'``, ``'3 min 05 s'``, ``'1 h 02 min'``."""
    whole = round(seconds)
    if whole < 60:
        return f'{whole} s'
    if whole < 3600:
        return f'{whole // 60} min {whole % 60:02d} s'
    return f'{whole // 3600} h {whole % 3600 // 60:02d} min'
