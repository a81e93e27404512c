"""The teacher's benchmark: what it times is what it says, with the same answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmlogitkd.benchmarks.teacher_speed import CASES, VARIANTS, TeacherCase, measure, teacher_report
from mmlogitkd.teacher.fast_options import FastOptions
from tests import tiny_two_stage
from tests.test_logits import detectors
from tests.tiny import classifier_config, full_config
from tools.benchmarks import teacher as tool


def test_rows_compare_with_all_switches_off() -> None:
    case = TeacherCase('tiny', full_config(classifier_config(6)), (2, 3, 16, 16))
    rows = measure(case, ['fuse', 'default'], rounds=1, device='cpu')
    assert [row['variant'] for row in rows] == ['off', 'fuse', 'default']
    assert rows[0]['share'] == 1 and rows[0]['difference'] == 0
    assert all(0 < row['difference'] < 1e-5 for row in rows[1:])
    assert 'fused' in rows[1]['report'] and 'inference mode' in rows[2]['report']
    report = teacher_report({})
    report.rows = rows
    assert '| tiny | 2x3x16x16 | default |' in report.markdown()


@pytest.mark.parametrize('kind', ['dense', 'two-stage'])
def test_detectors_are_asked_for_class_scores(kind: str) -> None:
    pytest.importorskip('mmdet')
    dense = detectors.full_config(detectors.detector_config('retinanet'))
    config = dense if kind == 'dense' else tiny_two_stage.detector_config()
    rows = measure(TeacherCase('tiny', config, (1, 3, 64, 64)), ['default'], 1, 'cpu')
    assert 'box branch skipped' in rows[1]['report'] and rows[1]['difference'] < 1e-5


def test_every_variant_is_legal_and_every_case_has_a_name() -> None:
    assert all(isinstance(FastOptions.of(fast), FastOptions) for fast in VARIANTS.values())
    assert len({(case.name, case.shape) for case in CASES}) == len(CASES)


def test_the_program_writes_table_and_data(tmp_path: Path, capsys) -> None:
    arguments = ['--only', 'ResNet32x4', '--size', '8', '--rounds', '1', '--threads', '1']
    assert tool.main([*arguments, '--fast', 'default', '--out', str(tmp_path)]) == 0
    assert 'One answer of the teacher' in capsys.readouterr().out
    data = json.loads((tmp_path / 'teacher.json').read_text())
    assert [row['variant'] for row in data['rows']] == ['off', 'default']
    with pytest.raises(SystemExit):
        tool.main(['--rounds', '0'])
    assert 'numbers above 0 expected' in capsys.readouterr().err
