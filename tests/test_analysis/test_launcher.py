"""The launcher with stand-ins for the tools; tests/test_tools/test_study.py has the real ones."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mmlogitkd.analysis import launcher as module
from mmlogitkd.analysis import state as state_module
from mmlogitkd.analysis.launcher import launch
from mmlogitkd.analysis.metrics import Metric
from mmlogitkd.analysis.plan import plan
from mmlogitkd.analysis.processes import fraction
from mmlogitkd.analysis.results import Result, RunFailedError
from mmlogitkd.analysis.runs import runs_of
from mmlogitkd.analysis.state import State
from mmlogitkd.analysis.study import load_study

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
if folder.name in {failing!r}.split():
    sys.exit('no luck')
for line in {output!r}:
    print(line)
(folder / 'now/vis_data').mkdir(parents=True)
(seed,) = (int(o.split('=')[1]) for o in options if o.startswith('randomness.seed'))
if folder.name == {silent!r}:
    seed = None
lines = [dict(step=1, loss=2.0, epoch=1)]
if seed is not None:
    lines += [{{'step': e, 'accuracy/top1': 10.0 * e + seed, **{more}}} for e in (2, 4)]
(folder / 'now/vis_data/scalars.json').write_text('\\n'.join(map(json.dumps, lines)))
checkpoint = folder / 'epoch_4.pth'
if 'save=no' not in options:
    checkpoint.touch()
    (folder / 'last_checkpoint').write_text(str(checkpoint))
with log.open('a') as file:
    file.write(f'end {{folder.name}} {{os.environ["OMP_NUM_THREADS"]}}\\n')
"""
TEST = """
import json, pathlib, sys
config, checkpoint, *options = sys.argv[1:]
assert options[0] == '--out' and options[2:5] == ['--out-item', 'metrics', '--work-dir']
metrics = {'accuracy/top1': float(pathlib.Path(checkpoint).read_text())}
pathlib.Path(options[1]).write_text(json.dumps(metrics))
"""


@pytest.fixture
def script(tools, tmp_path, monkeypatch):
    """Write the stand-in and return its log."""

    def write(
        failing: str = '', silent: str = '', more: str = '{}', output: tuple[str, ...] = ()
    ) -> Path:
        log = tmp_path / 'log.txt'
        text = SCRIPT.format(log=str(log), failing=failing, silent=silent, more=more, output=output)
        (tools / 'train.py').write_text(text)
        (tools / 'test.py').write_text(TEST)
        return log

    monkeypatch.setattr(module, '_POLL', 0.01)
    return write


@pytest.fixture
def tools(tmp_path) -> Path:
    return tmp_path


@pytest.fixture
def runs(study_file, tmp_path):
    return runs_of(plan(load_study(study_file), tmp_path / 'out', seeds=[5]))


def test_everything_runs_once_and_distillers_wait_for_the_teacher(script, tools, runs, tmp_path):
    log = script()
    results = launch(runs, METRICS, tools, workers=3).results
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

    launch(runs, METRICS, tools)
    assert log.read_text().splitlines() == lines  # all results are kept


def test_an_interrupted_study_goes_on(script, tools, runs, tmp_path):
    log = script(failing='kd_seed5')
    with pytest.raises(RunFailedError, match=r'(?s)KD, seed 5 ended with 1.*no luck'):
        launch(runs, METRICS, tools)
    log.unlink()
    script()
    results = launch(runs, METRICS, tools).results
    assert set(results) == set(runs)
    begun = {line.split()[1] for line in log.read_text().splitlines() if 'begin' in line}
    assert begun == {'kd_seed5', 'quiet_seed5'}


def test_an_interruption_keeps_what_has_ended(script, tools, runs):
    log = script()

    def interrupt(state: State, ended: object) -> None:
        if ended:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(runs, METRICS, tools, 1, interrupt)
    assert begun(log) == ['teacher_seed5']
    assert set(launch(runs, METRICS, tools).results) == set(runs)
    assert begun(log) == ['teacher_seed5', 'alone_seed5', 'kd_seed5', 'quiet_seed5']


def test_the_others_are_stopped_when_one_fails(script, tools, runs):
    log = script(failing='alone_seed5')
    with pytest.raises(RunFailedError):
        launch(runs[1:] + runs[:1], METRICS, tools, workers=2)
    lines = log.read_text().splitlines()
    time.sleep(0.5)
    assert log.read_text().splitlines() == lines


def test_a_run_without_validation_fails(script, tools, runs):
    script(silent='alone_seed5')
    with pytest.raises(RunFailedError, match='alone, seed 5: no validation in its log'):
        launch(runs, METRICS, tools)


def test_a_misspelt_metric_costs_one_run_and_loses_none(script, tools, runs):
    log = script()
    wrong = [*METRICS, Metric('top-5', 'accuracy/top-5')]
    message = r"no \['accuracy/top-5'\] in its log, which has \['accuracy/top1'\]"
    with pytest.raises(RunFailedError, match=f'teacher, seed 5: {message}'):
        launch(runs, wrong, tools)
    with pytest.raises(RunFailedError, match=f'teacher, seed 5: {message}'):
        launch(runs, wrong, tools)  # the kept result is asked too
    assert log.read_text().count('begin') == 1
    launch(runs, METRICS, tools)
    assert log.read_text().count('begin teacher') == 1


def test_what_cannot_be_measured_has_no_value(script, tools, runs):
    script(more="{'coco/bbox_mAP_s': -1.0, 'coco/cat_precision': float('nan')}")
    results = launch(runs, METRICS, tools).results
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
def test_a_detector_that_finds_nothing_has_no_value(script, tools, runs, output, last):
    # MMEngine repeats the metrics of the validation before where mmdet logs none
    script(output=tuple(line.replace('step', 'Epoch(train)  [4][2/2]') for line in output))
    validations = launch(runs, METRICS, tools).results[runs[1]].validations
    assert validations[0] == {'step': 2, 'accuracy/top1': 25.0}
    assert validations[1] == (last or {'step': 4, 'accuracy/top1': 45.0})


def test_watch_sees_every_ended_run(script, tools, runs):
    script()
    seen = []
    launch(
        runs,
        METRICS,
        tools,
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
    monkeypatch.setattr(state_module.time, 'monotonic', lambda: 100.0)
    teacher, alone, kd, quiet = runs
    state = State(runs, workers=2)
    assert state.time_left() is None
    state.started = {teacher: 80.0}  # 20 s for a quarter: 80 s in all, and so for the others
    state.parts = {teacher: 0.25}
    assert state.time_left() == pytest.approx((60 + 3 * 80) / 2)
    # A plain student says how long another one takes, not how long one that distils does.
    state.results[alone] = Result('alone', 5, '', [], 30.0, [])
    assert state.time_left() == pytest.approx((60 + 80 + 30) / 2)
    state.results[kd] = Result('KD', 5, '', [], 50.0, [])
    assert state.time_left() == pytest.approx((60 + 30) / 2)
    state.started, state.parts = {}, {}
    assert state.time_left() is None  # nothing tells how long a teacher takes
    state.results |= {run: Result(run.name, 5, '', [], 1.0, []) for run in (teacher, quiet)}
    assert state.time_left() == 0.0


def test_time_left_of_pairs(pairs_file, tmp_path):
    runs = {run.label: run for run in runs_of(plan(load_study(pairs_file), tmp_path))}
    state = State(list(runs.values()), workers=1)

    def done(label: str, seconds: float) -> None:
        state.results[runs[label]] = Result('', 0, '', [], seconds, [])

    done('Big → small: teacher, seed 5', 40.0)
    done('Big → small: KD, seed 5', 10.0)
    # the teacher as the other one, eleven students as the only one
    assert state.time_left() == pytest.approx(40 + 11 * 10)
    done('Bigger → small: KD, seed 5', 20.0)
    # its other seed as this one, the plain ones as a student of any pair: (10 + 20) / 2
    assert state.time_left() == pytest.approx(40 + 20 + 10 + (2 + 2 + 2 + 2) * 15)
    state.failures[runs['Bigger → small: teacher, seed 5']] = RunFailedError()
    assert state.time_left() == pytest.approx(10 + (2 + 2 + 2 + 2) * 15)


def begun(log: Path) -> list[str]:
    return [line.split()[1] for line in log.read_text().splitlines() if line.startswith('begin')]


@pytest.fixture
def pairs(pairs_file, tmp_path):
    return runs_of(plan(load_study(pairs_file), tmp_path / 'out', seeds=[5]))


def test_what_pairs_share_runs_once(script, tools, pairs):
    log = script()
    state = launch(pairs, METRICS, tools)
    assert set(state.results) == set(pairs) and len(pairs) == 8
    assert begun(log) == [run.folder.name for run in pairs]  # one worker: in order
    lines = log.read_text().splitlines()
    for run in pairs:
        (line,) = (line for line in lines if line.startswith(f'begin {run.folder.name} '))
        assert (f'checkpoint={run.teacher.checkpoint}' if run.teacher else '') in line
        assert ('checkpoint=' in line) == (run.teacher is not None)


def test_no_worker_waits_while_another_pair_has_work(script, tools, pairs):
    log = script()
    launch(pairs, METRICS, tools, workers=4)
    first = {'study-big_seed5', 'study-alone_seed5', 'study-bigger_seed5', 'study-quiet_seed5'}
    assert set(begun(log)[:4]) == first


def test_keep_going_does_all_that_does_not_need_what_failed(script, tools, pairs):
    log = script(failing='study-bigger_seed5 study-other_seed5')
    seen = []
    state = launch(pairs, METRICS, tools, 2, lambda state, run: seen.append(run), keep_going=True)
    assert {run.label for run in state.failures} == {
        'Bigger → small: teacher, seed 5',
        'Big → other: plain, seed 5',
    }
    assert 'ended with 1' in str(next(iter(state.failures.values())))
    assert [run.label for run in state.blocked] == ['Bigger → small: KD, seed 5']
    assert set(pairs) - set(state.results) == {*state.failures, *state.blocked}
    assert set(state.failures) <= set(seen)
    assert 'bigger-small_kd_seed5' not in begun(log)

    log.unlink()
    script()
    assert set(launch(pairs, METRICS, tools, 2, keep_going=True).results) == set(pairs)
    assert sorted(begun(log)) == [
        'bigger-small_kd_seed5',
        'study-bigger_seed5',
        'study-other_seed5',
    ]


def test_a_misspelt_metric_stops_even_with_keep_going(script, tools, pairs):
    script()
    with pytest.raises(RunFailedError, match='change the metrics'):
        launch(pairs, [Metric('top-5', 'no')], tools, keep_going=True)


def test_a_given_teacher_is_tested_once(script, tools, study_file, tmp_path):
    log = script()
    (study_file.parent / 'weights.pth').write_text('66.5')
    text = study_file.read_text()
    study_file.write_text(text.replace('big.py', '{config: big.py, checkpoint: weights.pth}'))
    runs = runs_of(plan(load_study(study_file), tmp_path / 'out'))
    results = launch(runs, METRICS, tools, 2).results
    assert results[runs[0]].validations == [{'step': 0, 'accuracy/top1': 66.5}]
    assert results[runs[0]].command[1] == str(tools / 'test.py')
    assert not [name for name in begun(log) if 'teacher' in name]
    weights = f'default_hooks.distill.teacher.checkpoint={study_file.parent / "weights.pth"}'
    assert log.read_text().count(weights) == 2  # KD with two seeds
    log.unlink()
    assert launch(runs, METRICS, tools, 2).results == results and not log.exists()


def test_a_teacher_is_trained_again_if_a_run_needs_its_lost_checkpoint(script, tools, runs):
    log = script()
    launch(runs, METRICS, tools)
    teacher, _, kd, _ = runs
    Path(teacher.checkpoint).unlink()
    log.unlink()
    assert len(launch(runs, METRICS, tools).results) == 4 and not log.exists()
    kd.result.unlink()
    launch(runs, METRICS, tools)
    assert begun(log) == ['teacher_seed5', 'kd_seed5']


def test_a_teacher_that_saves_nothing(script, tools, study_file, tmp_path):
    script()
    runs = runs_of(plan(load_study(study_file), tmp_path / 'out', ['save=no'], seeds=[5]))
    message = r'KD, seed 5: teacher, seed 5 saved no checkpoint .* needs a CheckpointHook'
    with pytest.raises(RunFailedError, match=message):
        launch(runs, METRICS, tools)
    state = launch(runs, METRICS, tools, keep_going=True)
    assert list(state.failures) == [runs[2]] and len(state.results) == 3
