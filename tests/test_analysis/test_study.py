from __future__ import annotations

import pytest

from mmlogitkd.analysis.metrics import Metric
from mmlogitkd.analysis.study import load_study, slug


def test_load(study_file):
    study = load_study(study_file)
    assert study.title == 'A study' and study.seeds == (5, 7)
    assert study.metrics == (Metric('top-1', 'accuracy/top1', 1, 2),)
    (pair,) = study.pairs
    assert list(pair.students) == ['alone', 'KD', 'quiet']
    assert (pair.name, pair.teacher, pair.checkpoint) == ('', study_file.parent / 'big.py', None)
    assert pair.published == {} and study.published_as == "Papers'"


def test_load_pairs(pairs_file):
    study = load_study(pairs_file)
    assert [pair.name for pair in study.pairs] == ['Big → small', 'Bigger → small', 'Big → other']
    assert study.pairs[0].published == {'teacher': 60, 'KD': 48.5} and not study.pairs[1].published
    assert study.published_as == 'papers'
    assert study.pairs[2].students['plain'] == pairs_file.parent / 'other.py'


def test_a_pair_may_publish_without_a_name(study_file):
    with study_file.open('a') as file:
        file.write('published: {KD: 50}\n')
    assert load_study(study_file).pairs[0].published == {'KD': 50}


@pytest.mark.parametrize(
    ('given', 'read'),
    [('weights/a.pth', None), ('/w/a.pth', '/w/a.pth'), ('https://a.b/c.pth', 'https://a.b/c.pth')],
)
def test_a_teacher_with_a_checkpoint(study_file, given, read):
    text = study_file.read_text()
    teacher = f'{{config: big.py, checkpoint: "{given}"}}'
    study_file.write_text(text.replace('teacher: big.py', f'teacher: {teacher}'))
    (pair,) = load_study(study_file).pairs
    assert pair.teacher == study_file.parent / 'big.py'
    assert pair.checkpoint == (read or str(study_file.parent / given))


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('title: A study\n', '', 'must have seeds, students, teacher, title'),
        (
            'title',
            'extra: 1\ntitle',
            'may have digits, metrics, published, published_as, scale, and nothing else',
        ),
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
        ('{alone: alone.py, KD: kd.py, quiet: quiet.py}', 'kd.py', "students .* got 'kd.py'"),
        ('quiet:', '"→":', r"need a letter or digit of ASCII for files, got \['→'\]"),
        ('kd.py', '{config: kd.py}', "student 'KD' must have config, options and nothing else"),
        ('kd.py', '{config: kd.py, options: [1]}', r'options must map keys .* got \[1\]'),
        ('kd.py', '{config: kd.py, options: {a: {b: 1}}}', 'plain values or lists, got'),
        ('kd.py', '[kd.py]', r"configs must be paths, got \[\['kd.py'\]\]"),
        ('title: A study', 'title: 3', 'title must be text, got 3'),
        (
            'big.py',
            '{config: big.py}',
            'teacher must have checkpoint, config and nothing else, got',
        ),
        ('big.py', '{config: big.py, checkpoint: 1}', 'checkpoint must be text, got 1'),
        ('[5, 7]', '[5, 5]', r'seeds must be a list of different whole numbers .* got \[5, 5\]'),
        ('[5, 7]', '[5, 1.5]', r'seeds must be .* got \[5, 1.5\]'),
        ('[5, 7]', '[yes]', r'seeds must be .* got \[True\]'),
        ('[5, 7]', '[]', r'seeds must be .* got \[\]'),
        ('[5, 7]', '7', 'seeds must be .* got 7'),
        ('title:', 'published: {DKD: 1}\ntitle:', r"has \['DKD'\], .* teacher, alone, KD, quiet; "),
        ('title:', 'published: {KD: high}\ntitle:', "published KD must be a number, got 'high'"),
        ('title:', 'published: [1]\ntitle:', r'must map names to numbers, got \[1\]'),
        ('title:', 'seeds: [1]\ntitle:', 'seeds stands twice'),
        ('title:', '{', 'cannot be read'),
    ],
)
def test_bad_files(study_file, old, new, message):
    study_file.write_text(study_file.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        load_study(study_file)


def test_no_file(tmp_path):
    for path in (tmp_path / 'study.yml', tmp_path):
        with pytest.raises(ValueError, match=f"'{path}' cannot be read .*: give the path of a YA"):
            load_study(path)


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        (
            'pairs:',
            'teacher: big.py\npairs:',
            "must have pairs, seeds, title, may have .*'teacher'",
        ),
        ('Bigger → small', 'Big → small', 'Big → small stands twice'),
        ('Bigger → small', 'Big - small', 'pairs: names must differ in more than signs'),
        ('Bigger → small', '3', r'pairs: names must be text, got \[3\]'),
        (
            '    students: {plain: other.py, KD: other_kd.py}\n',
            '',
            "pair 'Big → other' must have stu",
        ),
        ('KD: 48.5', 'DKD: 48.5', r"pair 'Big → small': published has \['DKD'\]"),
        ('other_kd.py', 'no.py', r"pair 'Big → other' names configs .* \S+no\.py"),
    ],
)
def test_bad_files_of_pairs(pairs_file, old, new, message):
    text = pairs_file.read_text(encoding='utf-8')
    assert old in text
    pairs_file.write_text(text.replace(old, new), encoding='utf-8')
    with pytest.raises(ValueError, match=message):
        load_study(pairs_file)


def test_a_file_without_pairs(pairs_file):
    text = pairs_file.read_text(encoding='utf-8').partition('pairs:')[0]
    pairs_file.write_text(text + 'pairs: {}\n', encoding='utf-8')
    with pytest.raises(ValueError, match=r'pairs must map names to pairs, got \{\}'):
        load_study(pairs_file)


def test_slug():
    assert slug('ResNet32x4 → ResNet8x4') == 'resnet32x4-resnet8x4'
    assert slug('SDD (on KD)') == 'sdd-on-kd' and slug('→') == ''


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
