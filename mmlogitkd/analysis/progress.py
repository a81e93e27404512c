"""Show how far the runs of a study are."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from .launcher import State, fraction
from .metrics import Metric
from .study import Run

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
            TextColumn('{task.description}'),
            BarColumn(),
            TextColumn('{task.percentage:3.0f} %'),
            TimeElapsedColumn(),
            TextColumn('{task.fields[left]}'),
            console=console,
            disable=not console.is_terminal,
        )
        self.tasks: dict[Run, TaskID] = {}
        self.whole = self.progress.add_task('all runs', total=1.0, left='')

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
        if ended is not None:
            result = state.results[ended]
            value = self.metric.show(self.metric.of(result.validations[-1]))
            count = f'[{len(state.results)}/{len(state.runs)}]'
            self.console.print(
                f'{count} {ended.name}, seed {ended.seed}: {self.metric.name} {value} '
                f'({duration(result.seconds)}; {text})',
                markup=False,
                highlight=False,
            )
        parts = {run: fraction(run) for run in state.started}
        for run in set(self.tasks) - set(parts):
            self.progress.remove_task(self.tasks.pop(run))
        for run, part in parts.items():
            if run not in self.tasks:
                name = f'{run.name}, seed {run.seed}'
                self.tasks[run] = self.progress.add_task(name, total=1.0, left='')
            self.progress.update(self.tasks[run], completed=part)
        done = (len(state.results) + sum(parts.values())) / len(state.runs)
        self.progress.update(self.whole, completed=done, left=text)


def duration(seconds: float) -> str:
    """Return a duration for people: ``'45 s'``, ``'3 min 05 s'``, ``'1 h 02 min'``."""
    whole = round(seconds)
    if whole < 60:
        return f'{whole} s'
    if whole < 3600:
        return f'{whole // 60} min {whole % 60:02d} s'
    return f'{whole // 3600} h {whole % 3600 // 60:02d} min'
