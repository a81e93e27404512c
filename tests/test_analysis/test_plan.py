from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mmlogitkd.analysis.plan import plan
from mmlogitkd.analysis.results import Result
from mmlogitkd.analysis.runs import runs_of
from mmlogitkd.analysis.study import load_study


def result_of(run, **changes) -> Result:
    return replace(
        Result(run.name, run.seed, run.digest, [{'step': 1, 'accuracy/top1': 50.0}], 2.0, ['x']),
        **changes,
    )


def test_plan(study_file, tmp_path):
    runs = runs_of(plan(load_study(study_file), tmp_path))
    assert [(run.name, run.seed) for run in runs] == [
        ('teacher', 5),
        *[(name, 5) for name in ('alone', 'KD', 'quiet')],
        *[(name, 7) for name in ('alone', 'KD', 'quiet')],
    ]
    assert [run.teacher for run in runs[:4]] == [None, None, runs[0], None]
    assert all(run.length == 4 and run.by_epoch for run in runs)
    for kind in ('digest', 'folder', 'result'):
        assert len({getattr(run, kind) for run in runs}) == len(runs)
    assert runs[4].options == ('randomness.seed=7',)
    names = ['teacher_seed5', 'alone_seed5', 'kd_seed5', 'quiet_seed5']
    assert [run.folder for run in runs[:4]] == [tmp_path / name for name in names]
    assert runs[2].result == tmp_path / 'results' / 'kd_seed5.json'
    assert runs[2].label == 'KD, seed 5'


def test_plan_with_options_and_seeds(study_file, tmp_path):
    study = load_study(study_file)
    (teacher, first, *_) = runs_of(plan(study, tmp_path, ['train_cfg.max_epochs=9'], seeds=[1]))
    assert (teacher.seed, first.seed, first.length) == (5, 1, 9)
    assert first.options == ('train_cfg.max_epochs=9', 'randomness.seed=1')


def test_iterations_are_counted_where_the_loop_does(study_file, tmp_path):
    config = study_file.parent / 'alone.py'
    for loop in ('by_epoch=False', "type='IterBasedTrainLoop'"):
        config.write_text(f'train_cfg = dict({loop}, max_iters=30)\n')
        run = runs_of(plan(load_study(study_file), tmp_path))[1]
        assert (run.length, run.by_epoch) == (30, False)


def test_digests_follow_what_a_result_depends_on(study_file, tmp_path):
    def digests() -> dict[str, str]:
        groups = plan(load_study(study_file), tmp_path, seeds=[5])
        return {run.name: run.digest for run in runs_of(groups)}

    before = digests()
    assert before == digests()
    big = study_file.parent / 'big.py'
    big.write_text(big.read_text() + 'width = 9\n')
    after = digests()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {'teacher', 'KD'}  # the teacher's change reaches only those who learn from it


def test_results_are_kept_until_the_config_changes(study_file, tmp_path):
    run = runs_of(plan(load_study(study_file), tmp_path))[1]
    assert Result.of(run) is None
    result = result_of(run)
    result.save(run.result)
    assert Result.of(run) == result
    assert Result.of(replace(run, digest='other')) is None
    run.result.write_text(run.result.read_text()[:40])
    assert Result.of(run) is None


def test_the_last_checkpoint(study_file, tmp_path):
    run = runs_of(plan(load_study(study_file), tmp_path))[0]
    assert run.checkpoint is None
    run.folder.mkdir()
    (run.folder / 'last_checkpoint').write_text('gone.pth')
    assert run.checkpoint is None
    checkpoint = run.folder / 'epoch_1.pth'
    checkpoint.touch()
    (run.folder / 'last_checkpoint').write_text(str(checkpoint))
    assert run.checkpoint == str(checkpoint)


def test_pairs_share_teachers_and_plain_students(pairs_file, tmp_path):
    groups = plan(load_study(pairs_file), tmp_path)
    (big, alone, kd), (bigger, alone2, kd2, quiet), (big2, plain, kd3) = (
        [entry.runs for entry in group.entries] for group in groups
    )
    assert big is not big2 and big == big2 and big[0] is big2[0] and big != bigger
    assert alone == alone2 and len({*alone, *plain, *quiet}) == 6
    assert len({*kd, *kd2, *kd3}) == 6
    assert [run.teacher for run in (kd[0], kd2[0], kd3[1])] == [big[0], bigger[0], big[0]]
    assert [group.reference for group in groups] == ['alone', 'alone', 'plain']
    assert [entry.published for entry in groups[0].entries] == [60, None, 48.5]

    assert runs_of(groups) == [
        *(big[0], alone[0], kd[0], alone[1], kd[1]),
        *(bigger[0], kd2[0], quiet[0], kd2[1], quiet[1]),
        *(plain[0], kd3[0], plain[1], kd3[1]),
    ]
    assert [run.folder.name for run in runs_of(groups)[:7]] == [
        *('study-big_seed5', 'study-alone_seed5', 'big-small_kd_seed5'),
        *('study-alone_seed7', 'big-small_kd_seed7'),
        *('study-bigger_seed5', 'bigger-small_kd_seed5'),
    ]
    assert len({run.folder for run in runs_of(groups)}) == 14
    assert kd2[0].label == 'Bigger → small: KD, seed 5'


def test_a_choice_of_pairs_and_students_does_not_change_runs(pairs_file, tmp_path):
    study = load_study(pairs_file)
    everything = {run.digest: run.folder for run in runs_of(plan(study, tmp_path))}
    groups = plan(study, tmp_path, pairs=['Bigger → small', 'Big → other'], only=['KD', 'quiet'])
    runs = runs_of(groups)
    assert [[entry.name for entry in group.entries] for group in groups] == [
        ['teacher', 'KD', 'quiet'],
        ['teacher', 'KD'],
    ]
    assert {run.digest: run.folder for run in runs}.items() <= everything.items()
    assert [group.pair for group in plan(study, tmp_path, only=['quiet'])] == ['Bigger → small']
    assert plan(study, tmp_path, pairs=['Big → other'], only=['quiet']) == []


def test_a_pairs_own_teacher_may_be_its_student(pairs_file, tmp_path):
    text = pairs_file.read_text(encoding='utf-8')
    pairs_file.write_text(text.replace('plain: other.py', 'plain: big.py'), encoding='utf-8')
    teacher, plain, _ = plan(load_study(pairs_file), tmp_path)[2].entries
    assert plain.runs[0] is teacher.runs[0] and len(plain.runs) == 2


def test_two_configs_of_one_name(pairs_file, tmp_path):
    folder = pairs_file.parent / 'more' / 'study'
    folder.mkdir(parents=True)
    (folder / 'big.py').write_text((pairs_file.parent / 'bigger.py').read_text())
    text = pairs_file.read_text(encoding='utf-8')
    text = text.replace('bigger.py', 'more/study/big.py')
    pairs_file.write_text(text, encoding='utf-8')
    with pytest.raises(ValueError, match=r"big.py' .* share the work folder 'study-big_seed5'"):
        plan(load_study(pairs_file), tmp_path)


def give_checkpoint(study: Path, checkpoint: str) -> None:
    text = study.read_text()
    study.write_text(text.replace('big.py', f'{{config: big.py, checkpoint: "{checkpoint}"}}'))


def test_a_given_teacher_is_tested_and_counts_by_its_content(study_file, tmp_path):
    give_checkpoint(study_file, 'weights.pth')
    study = load_study(study_file)
    with pytest.raises(ValueError, match=r"weights.pth' cannot be read \(No such file"):
        plan(study, tmp_path)
    weights = study_file.parent / 'weights.pth'
    weights.write_bytes(b'one')
    before = runs_of(plan(study, tmp_path, seeds=[5]))
    teacher, alone, kd, quiet = before
    assert (teacher.given, teacher.checkpoint, teacher.seed) == (str(weights), str(weights), None)
    assert teacher.options == () and teacher.label == 'teacher' and kd.teacher is teacher
    assert runs_of(plan(study, tmp_path, seeds=[5])) == before
    weights.write_bytes(b'two')
    after = runs_of(plan(study, tmp_path, seeds=[5]))
    assert [new.digest == old.digest for new, old in zip(after, before, strict=True)] == [
        *(False, True, False, True),
    ]
    assert after[0].folder != teacher.folder
    assert (alone, quiet) == (after[1], after[3])


def test_a_checkpoint_on_the_web_is_not_fetched_for_the_plan(study_file, tmp_path):
    give_checkpoint(study_file, 'https://example.invalid/a.pth')
    (teacher, *_) = runs_of(plan(load_study(study_file), tmp_path))
    assert teacher.checkpoint == 'https://example.invalid/a.pth'


def test_a_student_may_change_its_config(study_file, tmp_path):
    text = study_file.read_text()
    student = (
        '{config: kd.py, options: {default_hooks.distill.sizes: [1, 2], train_cfg.max_epochs: 3}}'
    )
    study_file.write_text(text.replace('quiet: quiet.py', f'longer: {student}'))
    runs = runs_of(plan(load_study(study_file), tmp_path, seeds=[5]))
    kd, longer = runs[2:]
    assert longer.config == kd.config
    assert longer.options == (
        'default_hooks.distill.sizes=[1,2]',
        'train_cfg.max_epochs=3',
        'randomness.seed=5',
    )
    assert (longer.length, longer.teacher) == (3, runs[0])
    assert longer.digest != kd.digest
    assert longer.folder == tmp_path / 'longer_seed5'


def test_plain_students_that_change_one_config_do_not_meet(pairs_file, tmp_path):
    text = pairs_file.read_text(encoding='utf-8')
    short = 'short: {config: alone.py, options: {train_cfg.max_epochs: 1}}'
    pairs_file.write_text(
        text.replace('quiet: quiet.py', short).replace(
            'alone: alone.py, KD: kd.py}', f'alone: alone.py, KD: kd.py, {short}}}'
        ),
        encoding='utf-8',
    )
    groups = plan(load_study(pairs_file), tmp_path, seeds=[5])
    one, other = (group.entries[-1].runs[0] for group in groups[:2])
    assert one is other  # the same run, shown in both
    assert one.length == 1
    assert one.folder != groups[0].entries[1].runs[0].folder


@pytest.mark.parametrize(
    ('option', 'missing'),
    [('distill.sizes: 1', 'distill'), ('default_hooks.distil.sizes: 1', 'default_hooks.distil')],
)
def test_options_must_change_what_there_is(study_file, tmp_path, option, missing):
    student = f'{{config: kd.py, options: {{{option}}}}}'
    study_file.write_text(study_file.read_text().replace('quiet.py', student))
    with pytest.raises(ValueError, match=f"student 'quiet': the config has no '{missing}'"):
        plan(load_study(study_file), tmp_path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('train_cfg = dict(', 'cannot be read: SyntaxError'),
        ("_base_ = 'nowhere.py'", 'cannot be read: .*nowhere.py'),
        ('model = dict()', 'has no train_cfg, .* give a whole config'),
    ],
)
def test_configs_that_cannot_be_trained(study_file, tmp_path, content, message):
    config = study_file.parent / 'quiet.py'
    config.write_text(content)
    with pytest.raises(ValueError, match=f"config='{config}' {message}"):
        plan(load_study(study_file), tmp_path)


def test_options_need_a_value(study_file, tmp_path):
    with pytest.raises(ValueError, match=r"must be key=value, got \['train_cfg'\]"):
        plan(load_study(study_file), tmp_path, ['train_cfg'])
