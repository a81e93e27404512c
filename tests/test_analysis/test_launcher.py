"""The launcher with a stand-in for tools/train.py; tests/test_demo has the real one."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mmlogitkd.analysis import launcher as module
from mmlogitkd.analysis.launcher import RunFailedError, State, fraction, launch
from mmlogitkd.analysis.metrics import Metric
from mmlogitkd.analysis.study import Result, load_study, plan

METRICS = (Metric('top-1', 'accuracy/top1'),)
EMPTY = 'ERROR - The testing results of the whole dataset is empty.'
SCRIPT = """
import json, os, pathlib, sys, time
config, _, folder, _, *options = sys.argv[1:]
folder = pathlib.Path(folder)
log = pathlib.Path({log!r})
with log.open('a') as file:
    file.write(f'begin {{folder.name}} {{" ".join(options)}}\\n')
time.sleep(0.3)
if folder.name == {failing!r}:
    sys.exit('no luck')
for line in {output!r}:
    print(line)
(folder / 'now/vis_data').mkdir(parents=True)
seed = int(options[0].split('=')[1]) if folder.name != {silent!r} else None
lines = [dict(step=1, loss=2.0, epoch=1)]
if seed is not None:
    lines += [{{'step': e, 'accuracy/top1': 10.0 * e + seed, **{more}}} for e in (2, 4)]
(folder / 'now/vis_data/scalars.json').write_text('\\n'.join(map(json.dumps, lines)))
checkpoint = folder / 'epoch_4.pth'
checkpoint.touch()
(folder / 'last_checkpoint').write_text(str(checkpoint))
with log.open('a') as file:
    file.write(f'end {{folder.name}} {{os.environ["OMP_NUM_THREADS"]}}\\n')
"""


@pytest.fixture
def script(tool, tmp_path, monkeypatch):
    """Write the stand-in and return its log."""

    def write(
        failing: str = '', silent: str = '', more: str = '{}', output: tuple[str, ...] = ()
    ) -> Path:
        log = tmp_path / 'log.txt'
        text = SCRIPT.format(log=str(log), failing=failing, silent=silent, more=more, output=output)
        tool.write_text(text)
        return log

    monkeypatch.setattr(module, '_POLL', 0.01)
    return write


@pytest.fixture
def tool(tmp_path) -> Path:
    return tmp_path / 'train.py'


@pytest.fixture
def runs(study_file, tmp_path):
    return plan(load_study(study_file), tmp_path / 'out', seeds=[5])


def test_everything_runs_once_and_distillers_wait_for_the_teacher(script, tool, runs, tmp_path):
    log = script()
    results = launch(runs, METRICS, tool, workers=3)
    assert set(results) == set(runs)
    for result in results.values():
        assert result.validations == [
            {'step': 2, 'accuracy/top1': 25.0},
            {'step': 4, 'accuracy/top1': 45.0},
        ]
    lines = log.read_text().splitlines()
    begun = [line.split()[1] for line in lines if line.startswith('begin')]
    assert sorted(begun) == ['alone_seed5', 'kd_seed5', 'quiet_seed5', 'teacher_seed5']
    ended = [line.split()[1] for line in lines if line.startswith('end')]
    assert lines.index(next(line for line in lines if 'begin kd' in line)) > lines.index(
        next(line for line in lines if 'end teacher' in line)
    )
    assert set(begun[:3]) == {'teacher_seed5', 'alone_seed5', 'quiet_seed5'} and len(ended) == 4
    checkpoint = tmp_path / 'out' / 'teacher_seed5' / 'epoch_4.pth'
    told = {line.split()[1] for line in lines if f'teacher.checkpoint={checkpoint}' in line}
    assert told == {'kd_seed5'}

    launch(runs, METRICS, tool)
    assert log.read_text().splitlines() == lines  # all results are kept


def test_an_interrupted_study_goes_on(script, tool, runs, tmp_path):
    log = script(failing='kd_seed5')
    with pytest.raises(RunFailedError, match=r'(?s)KD, seed 5 ended with 1.*no luck'):
        launch(runs, METRICS, tool)
    log.unlink()
    script()
    results = launch(runs, METRICS, tool)
    assert set(results) == set(runs)
    begun = {line.split()[1] for line in log.read_text().splitlines() if 'begin' in line}
    assert begun == {'kd_seed5', 'quiet_seed5'}


def test_the_others_are_stopped_when_one_fails(script, tool, runs):
    log = script(failing='alone_seed5')
    with pytest.raises(RunFailedError):
        launch(runs[1:] + runs[:1], METRICS, tool, workers=2)
    lines = log.read_text().splitlines()
    time.sleep(0.5)
    assert log.read_text().splitlines() == lines


def test_a_run_without_validation_fails(script, tool, runs):
    script(silent='alone_seed5')
    with pytest.raises(RunFailedError, match='alone, seed 5: no validation in its log'):
        launch(runs, METRICS, tool)


def test_a_misspelt_metric_costs_one_run_and_loses_none(script, tool, runs):
    log = script()
    wrong = [*METRICS, Metric('top-5', 'accuracy/top-5')]
    message = r"no \['accuracy/top-5'\] in its log, which has \['accuracy/top1'\]"
    with pytest.raises(RunFailedError, match=f'teacher, seed 5: {message}'):
        launch(runs, wrong, tool)
    with pytest.raises(RunFailedError, match=f'teacher, seed 5: {message}'):
        launch(runs, wrong, tool)  # the kept result is asked too
    assert log.read_text().count('begin') == 1
    launch(runs, METRICS, tool)
    assert log.read_text().count('begin teacher') == 1


def test_what_cannot_be_measured_has_no_value(script, tool, runs):
    script(more="{'coco/bbox_mAP_s': -1.0, 'coco/cat_precision': float('nan')}")
    results = launch(runs, METRICS, tool)
    assert results[runs[1]].validations[-1] == {
        'step': 4,
        'accuracy/top1': 45.0,
        'coco/bbox_mAP_s': None,
        'coco/cat_precision': None,
    }
    assert Result.of(runs[1]) == results[runs[1]]


@pytest.mark.parametrize(
    ('output', 'last'), [(('step', EMPTY), {'step': 4}), ((EMPTY, 'step'), None)]
)
def test_a_detector_that_finds_nothing_has_no_value(script, tool, runs, output, last):
    # MMEngine repeats the metrics of the validation before where mmdet logs none
    script(output=tuple(line.replace('step', 'Epoch(train)  [4][2/2]') for line in output))
    validations = launch(runs, METRICS, tool)[runs[1]].validations
    assert validations[0] == {'step': 2, 'accuracy/top1': 25.0}
    assert validations[1] == (last or {'step': 4, 'accuracy/top1': 45.0})


def test_watch_sees_every_ended_run(script, tool, runs):
    script()
    seen = []
    launch(
        runs,
        METRICS,
        tool,
        2,
        lambda state, ended: seen.append((ended, len(state.results))),
    )
    assert [count for ended, count in seen if ended] == [1, 2, 3, 4]
    assert {ended for ended, _ in seen if ended} == set(runs)


def test_fraction_counts_whole_epochs_and_bears_a_torn_line(runs):
    run = runs[1]
    assert fraction(run) == 0.0
    log = run.folder / 'now' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    line = json.dumps(dict(loss=1.0, epoch=3, step=7))
    log.write_text(line + '\n' + '{"accuracy/top1": 1')
    assert fraction(run) == pytest.approx(2 / 4)
    assert fraction(replace(run, by_epoch=False, length=14)) == pytest.approx(7 / 14)


def test_time_left(runs, monkeypatch):
    monkeypatch.setattr(module.time, 'monotonic', lambda: 100.0)
    monkeypatch.setattr(module, 'fraction', lambda run: 0.25 if run.name == 'teacher' else 0.0)
    teacher, alone, kd, quiet = runs
    state = State(runs, workers=2)
    assert state.time_left() is None
    state.started = {teacher: 80.0}  # 20 s for a quarter: 80 s in all, and so for the others
    assert state.time_left() == pytest.approx((60 + 3 * 80) / 2)
    # A plain student says how long another one takes, not how long one that distils does.
    state.results[alone] = Result('alone', 5, '', [], 30.0, [])
    assert state.time_left() == pytest.approx((60 + 80 + 30) / 2)
    state.results[kd] = Result('KD', 5, '', [], 50.0, [])
    assert state.time_left() == pytest.approx((60 + 30) / 2)
    state.started = {}
    assert state.time_left() is None  # nothing tells how long a teacher takes
    state.results |= {run: Result(run.name, 5, '', [], 1.0, []) for run in (teacher, quiet)}
    assert state.time_left() == 0.0
