"""tools/study.py with detectors; tests/test_demo has it with classifiers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from mmengine.config import Config

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
