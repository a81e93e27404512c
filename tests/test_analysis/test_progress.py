from __future__ import annotations

import io
import time

from rich.console import Console

from mmlogitkd.analysis import Metric, Result, RunFailedError, StudyProgress, load_study, plan
from mmlogitkd.analysis.progress import duration
from mmlogitkd.analysis.runs import runs_of
from mmlogitkd.analysis.state import State

TOP1 = Metric('top-1', 'accuracy/top1')


def test_only_runs_in_progress_have_bars(pairs_file, tmp_path):
    teacher, alone, kd, *rest = runs = runs_of(plan(load_study(pairs_file), tmp_path))
    state = State(runs, workers=2)
    state.results[teacher] = Result('', 0, '', [{'accuracy/top1': 71.234}], 65.0, [])
    state.failures[alone] = RunFailedError('no luck')
    state.started = {run: time.monotonic() - 30 for run in (kd, rest[0])}
    state.parts = {kd: 0.5}
    console = Console(file=io.StringIO(), force_terminal=True, width=80, legacy_windows=False)
    progress = StudyProgress(console, TOP1)
    progress.update(state, teacher)
    progress.update(state, alone)
    told = console.file.getvalue()
    assert '[2/14] Big → small: teacher, seed 5: top-1 71.23 in 1 min 05 s; about ' in told
    assert '[2/14] Big → small: alone, seed 5: FAILED; about ' in told

    bars = progress.progress
    assert [task.description.partition(', about')[0] for task in bars.tasks] == [
        '2 of 14 runs, 1 failed',
        kd.label,
        rest[0].label,
    ]
    assert [round(task.percentage) for task in bars.tasks] == [round(250 / 14), 50, 0]
    state.results[kd] = state.results[teacher]
    del state.started[kd], state.parts[kd]
    progress.update(state, kd)
    assert [task.description for task in bars.tasks[1:]] == [rest[0].label]


def test_durations():
    assert [duration(s) for s in (0.4, 59.4, 59.6, 3599, 3600, 7380)] == [
        '0 s', '59 s', '1 min 00 s', '59 min 59 s', '1 h 00 min', '2 h 03 min',
    ]  # fmt: skip
