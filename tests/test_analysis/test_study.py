from __future__ import annotations

from dataclasses import replace

import pytest

from mmlogitkd.analysis.metrics import Metric
from mmlogitkd.analysis.study import Result, load_study, plan


def result_of(run, **changes) -> Result:
    return replace(
        Result(run.name, run.seed, run.digest, [{'step': 1, 'accuracy/top1': 50.0}], 2.0, ['x']),
        **changes,
    )


def test_load(study_file):
    study = load_study(study_file)
    assert study.title == 'A study' and study.seeds == (5, 7)
    assert study.metrics == (Metric('top-1', 'accuracy/top1', 1, 2),)
    assert list(study.students) == ['alone', 'KD', 'quiet']
    assert study.teacher == study_file.parent / 'big.py'


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('title: A study\n', '', 'must have seeds, students, teacher, title'),
        ('title', 'extra: 1\ntitle', 'may have digits, metrics, scale, and nothing else'),
        ('title', 'metrics: accuracy/top1\ntitle', "map names to keys .* got 'accuracy/top1'"),
        ('title', 'metrics: {AP: 1}\ntitle', 'map names to keys'),
        ('title', 'metrics: {}\ntitle', 'map names to keys'),
        ('title', 'scale: -1\ntitle', 'scale must be a positive number, got -1'),
        ('title', 'digits: 1.5\ntitle', 'digits must be a whole number from 0, got 1.5'),
        ('kd.py', 'no.py', r'do not exist: \S+no\.py'),
        ('KD:', 'teacher:', "none named 'teacher'"),
        ('quiet:', 'off:', r'names must be text, got \[False\]'),
        ('quiet:', 'kd+:', 'differ in more than signs'),
        ('{alone: alone.py, KD: kd.py, quiet: quiet.py}', '{}', 'at least one'),
    ],
)
def test_bad_files(study_file, old, new, message):
    study_file.write_text(study_file.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        load_study(study_file)


def test_metrics_of_detection(study_file):
    with study_file.open('a') as file:
        file.write('metrics: {AP: coco/bbox_mAP, AP50: coco/bbox_mAP_50}\nscale: 100\ndigits: 1\n')
    study = load_study(study_file)
    assert study.metrics == (
        Metric('AP', 'coco/bbox_mAP', 100, 1),
        Metric('AP50', 'coco/bbox_mAP_50', 100, 1),
    )
    assert study.metrics[0].of({'coco/bbox_mAP': 0.123}) == pytest.approx(12.3)
    assert study.metrics[0].show(12.34) == '12.3' and study.metrics[0].show(1, '+') == '+1.0'
    assert study.metrics[1].of({'coco/bbox_mAP': 0.123}) is None


def test_plan(study_file, tmp_path):
    runs = plan(load_study(study_file), tmp_path)
    assert [(run.name, run.seed) for run in runs] == [
        ('teacher', 5),
        *[(name, 5) for name in ('alone', 'KD', 'quiet')],
        *[(name, 7) for name in ('alone', 'KD', 'quiet')],
    ]
    assert [run.distils for run in runs[:4]] == [False, False, True, False]
    assert all(run.length == 4 and run.by_epoch for run in runs)
    for kind in ('digest', 'folder', 'result'):
        assert len({getattr(run, kind) for run in runs}) == len(runs)
    assert runs[4].options == ('randomness.seed=7',)


def test_plan_with_options_and_seeds(study_file, tmp_path):
    study = load_study(study_file)
    (teacher, first, *_) = plan(study, tmp_path, ['train_cfg.max_epochs=9'], seeds=[1])
    assert (teacher.seed, first.seed, first.length) == (5, 1, 9)
    assert first.options == ('train_cfg.max_epochs=9', 'randomness.seed=1')


def test_iterations_are_counted_where_the_loop_does(study_file, tmp_path):
    config = study_file.parent / 'alone.py'
    for loop in ('by_epoch=False', "type='IterBasedTrainLoop'"):
        config.write_text(f'train_cfg = dict({loop}, max_iters=30)\n')
        run = plan(load_study(study_file), tmp_path)[1]
        assert (run.length, run.by_epoch) == (30, False)


def test_digests_follow_what_a_result_depends_on(study_file, tmp_path):
    def digests() -> dict[str, str]:
        return {run.name: run.digest for run in plan(load_study(study_file), tmp_path, seeds=[5])}

    before = digests()
    assert before == digests()
    big = study_file.parent / 'big.py'
    big.write_text(big.read_text() + 'width = 9\n')
    after = digests()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {'teacher', 'KD'}  # the teacher's change reaches only those who learn from it


def test_results_are_kept_until_the_config_changes(study_file, tmp_path):
    run = plan(load_study(study_file), tmp_path)[1]
    assert Result.of(run) is None
    result = result_of(run)
    result.save(run.result)
    assert Result.of(run) == result
    assert Result.of(replace(run, digest='other')) is None
    run.result.write_text(run.result.read_text()[:40])
    assert Result.of(run) is None


def test_a_teacher_without_its_checkpoint_has_no_result(study_file, tmp_path):
    teacher = plan(load_study(study_file), tmp_path)[0]
    result_of(teacher).save(teacher.result)
    assert Result.of(teacher) is None
    teacher.folder.mkdir()
    (teacher.folder / 'last_checkpoint').write_text('gone.pth')
    assert Result.of(teacher) is None
    checkpoint = teacher.folder / 'epoch_1.pth'
    checkpoint.touch()
    (teacher.folder / 'last_checkpoint').write_text(str(checkpoint))
    assert Result.of(teacher) == result_of(teacher)
