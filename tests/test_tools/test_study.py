"""tools/study.py: its options, pairs of classifiers, and detectors; tests/test_demo has it too."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from mmengine.config import Config

from mmlogitkd.analysis import load_study
from tests.tiny import build, classifier_config
from tests.tiny_two_stage import detector_config, evaluation, runner_config, write_coco

ROOT = Path(__file__).parents[2]
STUDY = """
title: Tiny boxes
teacher: teacher.py
students: {alone: alone.py, KD: kd.py}
seeds: [0]
metrics: {AP: coco/bbox_mAP, AP50: coco/bbox_mAP_50, APl: coco/bbox_mAP_l}
scale: 100
digits: 1
"""


def test_studies_of_one_folder_have_folders_of_their_own(
    tool: Callable[..., ModuleType],
) -> None:
    folder = tool('study').default_folder
    assert folder(Path('configs/demo/study.yml')) == Path('work_dirs/demo')
    assert folder(Path('configs/boxes/gfl.yml')) == Path('work_dirs/boxes/gfl')
    assert folder(Path('configs/boxes/faster-rcnn.yml')) == Path('work_dirs/boxes/faster-rcnn')


PAIRS = """
title: Tiny pairs
seeds: [3]
pairs:
  Given → small:
    teacher: {config: plain_tiny.py, checkpoint: weights.pth}
    students: {alone: alone.py, KD: kd.py}
    published: {teacher: 20, KD: 21.5}
  Trained → small:
    teacher: plain_tiny.py
    students: {alone: alone.py, broken: broken.py}
"""


@pytest.fixture
def pairs(config_file: Path) -> Path:
    """Two pairs of classifiers of two epochs, with one student that cannot be trained."""
    pytest.importorskip('mmpretrain')
    folder = config_file.parent
    classifier = build(classifier_config(4))
    torch.save(classifier.state_dict(), folder / 'weights.pth')
    config = Config.fromfile(config_file)
    config.train_cfg.val_interval = 1
    config.dump(config_file)
    plain = config.to_dict()
    plain['optim_wrapper']['optimizer']['lr'] = 0.01
    Config(plain).dump(folder / 'alone.py')
    for name, loss in (('kd', 'KDLoss'), ('broken', 'NoLoss')):
        plain['default_hooks']['distill'] = dict(
            type='mmlogitkd.LogitDistillHook',
            teacher=dict(config=str(config_file)),
            losses=dict(loss_kd=dict(type=f'mmlogitkd.{loss}')),
        )
        Config(plain).dump(folder / f'{name}.py')
    path = folder / 'pairs.yml'
    path.write_text(PAIRS, encoding='utf-8')
    return path


@pytest.fixture
def study_tool(
    tool: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """tools/study.py in this process, which starts real ones."""
    monkeypatch.setenv('PYTHONPATH', str(ROOT))
    monkeypatch.setenv('COLUMNS', '100')
    handler = signal.getsignal(signal.SIGTERM)
    yield tool('study')
    signal.signal(signal.SIGTERM, handler)


def test_pairs_of_real_classifiers(
    pairs: Path, study_tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pairs.parent / 'out'
    status = study_tool.main([str(pairs), '--work-dir', str(folder), '--keep-going'])
    output = capsys.readouterr().out
    assert status == 1, output
    assert '[5/5]' in output and '1 failed, 0 more need them' in output
    assert 'Trained → small: broken, seed 3 ended with 1' in output and 'NoLoss' in output

    results = {path.stem: json.loads(path.read_text()) for path in folder.glob('results/*')}
    base = pairs.parent.name.lower().replace('_', '-')
    given, *others = sorted(results, key=lambda name: results[name]['command'][1])
    assert Path(results[given]['command'][1]).name == 'test.py' and len(others) == 3
    assert {f'{base}-alone_seed3', f'{base}-plain-tiny_seed3', 'given-small_kd_seed3'} == {*others}
    top1 = {name: value['validations'][-1]['accuracy/top1'] for name, value in results.items()}
    weights = f'default_hooks.distill.teacher.checkpoint={pairs.parent / "weights.pth"}'
    assert weights in results['given-small_kd_seed3']['command']

    lines = (folder / 'table.md').read_text(encoding='utf-8').splitlines()
    cells = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines if '|' in line]
    assert cells[0][3] == "Papers'"
    names = ['**Given → small**', 'teacher', 'alone', 'KD']
    assert [line[0] for line in cells[2:]] == [
        *names,
        *('**Trained → small**', 'teacher', 'alone', 'broken'),
    ]
    assert cells[3][1:4:2] == [f'{top1[given]:.2f}', '20.00'] and cells[5][3] == '21.50'
    assert cells[4] == cells[8] and cells[4][1] == f'{top1[f"{base}-alone_seed3"]:.2f}'
    assert cells[9][1] == '?'
    with (folder / 'results.csv').open(encoding='utf-8', newline='') as file:
        read = list(csv.DictReader(file))
    assert [(line['pair'], line['method']) for line in read] == [
        *(('Given → small', name) for name in ('teacher', 'alone', 'KD')),
        *(('Trained → small', name) for name in ('teacher', 'alone')),
    ]
    assert (
        float(read[0]['top-1']) == pytest.approx(top1[given], rel=1e-5)
        and read[1]['config'] == 'alone.py'
    )
    (machine,) = json.loads((folder / 'environment.json').read_text())
    assert machine['torch'] == torch.__version__ and machine['workers'] >= 1
    assert {'processor', 'cores', 'threads per run', 'GPUs', 'mmengine', 'mmpretrain'} <= {*machine}

    # nothing is run, and only a pair is shown
    (folder / 'results' / f'{base}-alone_seed3.json').unlink()
    arguments = ['--work-dir', str(folder), '--table-only', '--pairs', 'trained-small']
    assert study_tool.main([str(pairs), *arguments]) == 0
    text = (folder / 'table.md').read_text(encoding='utf-8')
    assert '| alone | ? |' in text and 'Given' not in text and "Papers'" not in text
    assert f'| teacher | {top1[f"{base}-plain-tiny_seed3"]:.2f} |' in text
    assert not (folder / 'results' / f'{base}-alone_seed3.json').exists()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--pairs', 'nobody'], "No such pairs: ['nobody']; there are ['given-small', 'trained-sm"),
        (['--only', 'LDRLD'], "No such students: ['LDRLD']; there are ['alone', 'KD', 'broken']"),
        (['--cfg-options', 'train_cfg'], "must be key=value, got ['train_cfg']"),
        (['--pairs', 'trained-small', '--only', 'KD'], "there are ['alone', 'broken']"),
    ],
)
def test_names_that_are_not_in_the_study(
    tool: Callable[..., ModuleType], pairs: Path, arguments: list[str], message: str
) -> None:
    study = tool('study')
    with pytest.raises(ValueError) as error:
        study.wanted_groups(study.parse_args([str(pairs), *arguments]), load_study(pairs))
    assert message in str(error.value)


def test_a_bad_file_is_told_without_a_traceback(
    tmp_path: Path, study_tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / 'study.yml'
    study.write_text('title: A study\nseeds: [0]\nseeds: [1]\n')
    assert study_tool.main([str(study)]) == 2
    assert 'seeds stands twice' in capsys.readouterr().out
    assert study_tool.main([str(tmp_path / 'no.yml')]) == 2
    assert 'no.yml' in capsys.readouterr().out


def test_a_pair_without_a_name_is_not_chosen(
    config_file: Path, study_tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    study = config_file.with_name('study.yml')
    one = 'title: One\nseeds: [0]\nteacher: {0}\nstudents: {{alone: {0}}}\n'
    study.write_text(one.format(config_file.name))
    assert study_tool.main([str(study), '--table-only', '--pairs', 'alone']) == 2
    assert 'has one pair, without a name: leave --pairs out' in capsys.readouterr().out


STAND_IN = """
import json, pathlib, sys
config, _, folder, *_ = sys.argv[1:]
folder = pathlib.Path(folder)
with open(folder.parent / 'log.txt', 'a') as log:
    print(folder.name, file=log)
if (folder.parent / f'{pathlib.Path(config).stem}.fails').exists():
    sys.exit('no luck')
(folder / 'now/vis_data').mkdir(parents=True)
(folder / 'now/vis_data/scalars.json').write_text(json.dumps({'step': 1, 'accuracy/top1': 50.0}))
(folder / 'epoch_1.pth').touch()
(folder / 'last_checkpoint').write_text(str(folder / 'epoch_1.pth'))
"""


def test_failures_and_forgetting(
    tmp_path: Path,
    study_tool: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / 'train.py').write_text(STAND_IN)
    monkeypatch.setattr(study_tool, 'TOOLS', tmp_path)
    for name in ('teacher', 'alone', 'kd'):
        (tmp_path / f'{name}.py').write_text(f"train_cfg = dict(max_epochs=1)\nname = '{name}'\n")
    study = tmp_path / 'study.yml'
    students = 'students: {alone: alone.py, KD: kd.py}'
    study.write_text(f'title: A study\nteacher: teacher.py\n{students}\nseeds: [0]\n')
    folder = tmp_path / 'out'
    log = folder / 'log.txt'

    def run(*arguments: str) -> tuple[int, list[str]]:
        log.unlink(missing_ok=True)
        command = [str(study), '--work-dir', str(folder), '--workers', '1', *arguments]
        status = study_tool.main(command)
        return status, log.read_text().split() if log.exists() else []

    folder.mkdir()
    (folder / 'alone.fails').touch()
    assert run() == (1, ['teacher_seed0', 'alone_seed0'])
    output = capsys.readouterr().out
    assert 'alone, seed 0 ended with 1:\nno luck' in output and 'Stopped. The res' in output
    assert run('--keep-going') == (1, ['alone_seed0', 'kd_seed0'])
    assert '| alone | ? |' in (folder / 'table.md').read_text()
    (folder / 'alone.fails').unlink()
    assert run() == (0, ['alone_seed0'])
    assert run() == (0, [])
    assert run('--fresh', '--only', 'KD') == (0, ['teacher_seed0', 'kd_seed0'])
    assert run() == (0, [])
    assert '| alone | 50.00 |' in (folder / 'table.md').read_text()


def write_configs(folder: Path) -> None:
    """A teacher and two students of mmdet, on six images, none of which has a large object."""
    pytest.importorskip('mmdet')
    write_coco(folder / 'coco')
    for name, width in (('teacher', 16), ('alone', 8), ('kd', 8)):
        config = runner_config(detector_config('faster', width), folder / 'coco', folder / 'unused')
        del config['work_dir'], config['experiment_name']
        config.update(
            evaluation(folder / 'coco'),
            train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=2, val_interval=1),
        )
        if name == 'kd':
            config['default_hooks']['distill'] = dict(
                type='mmlogitkd.LogitDistillHook',
                teacher=dict(config=str(folder / 'teacher.py')),
                losses=dict(loss_kd=dict(type='mmlogitkd.KDLoss')),
            )
        Config(config).dump(folder / f'{name}.py')


@pytest.mark.full
def test_a_study_of_real_detectors(tmp_path: Path) -> None:
    write_configs(tmp_path)
    study = tmp_path / 'tiny.yml'
    study.write_text(STUDY)
    command = [sys.executable, str(ROOT / 'tools' / 'study.py'), str(study)]
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'COLUMNS': '100'}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / 'work_dirs' / tmp_path.name / 'tiny'
    lines = (folder / 'table.md').read_text().splitlines()
    assert lines[0].startswith('| Method | AP, mean ± sd | Over alone | AP50 | APl |')
    assert [line.split(' | ')[0] for line in lines[2:5]] == ['| teacher', '| alone', '| KD']
    for name, line in zip(('teacher', 'alone', 'kd'), lines[2:5], strict=True):
        result = json.loads((folder / 'results' / f'{name}_seed0.json').read_text())
        first, last = result['validations']
        assert (first['step'], last['step']) == (1, 2)
        assert last['coco/bbox_mAP_l'] is None  # nothing is larger than 96 pixels
        cells = line.strip('| ').split(' | ')
        assert cells[1] == f'{100 * last["coco/bbox_mAP"]:.1f}' and cells[4] == '–'
    assert lines[-1].startswith('–: no value')
    (log,) = (folder / 'kd_seed0').glob('*/vis_data/scalars.json')
    assert 'loss_kd' in log.read_text()
