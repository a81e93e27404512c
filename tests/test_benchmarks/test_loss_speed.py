import json

import pytest
import torch

from mmlogitkd.benchmarks.loss_cases import choose
from mmlogitkd.benchmarks.loss_settings import Settings
from mmlogitkd.benchmarks.loss_speed import COLUMNS, describe, measure
from mmlogitkd.benchmarks.loss_targets import GROWTH, SPEED, missed, verdicts

QUICK = Settings(rounds=1)


def cells(row):
    return {column.heading: column.cell(row) for column in COLUMNS}


def test_row_of_a_loss():
    (case,) = choose(['ldrld'])
    row = measure(case, 16, 10, QUICK)
    assert set(row['ms']) == set(row['peak']) == {'ours', 'straightforward', 'KD'}
    assert row['speed_up'] == pytest.approx(row['ms']['straightforward'] / row['ms']['ours'])
    assert row['to_kd'] == pytest.approx(row['ms']['ours'] / row['ms']['KD'])
    assert row['peak']['KD'] < row['peak']['straightforward']  # which keeps masks for every pair
    assert row['rounds'] == 1 and row['needs'] == {}
    assert json.loads(json.dumps(row)) == row
    assert describe(row).startswith('LDRLD, 16×10: ms ')


def test_compiled_loss():
    (case,) = choose(['KD'])
    row = measure(case, 16, 10, Settings(rounds=1, compile=True))
    assert row['by_compiling'] == pytest.approx(row['ms']['ours'] / row['ms']['compiled'])
    assert row['by_compiling'] > 0 and cells(row)['By compiling'] != '–'


def test_sdd_is_compared_with_as_many_logits():
    case = choose(['sdd'])[0]
    row = measure(case, 64, 10, QUICK)
    assert set(row['ms']) == {'ours', 'straightforward', 'KD', 'KD of the rows'}
    assert row['peak']['KD'] == pytest.approx(5 * row['peak']['KD of the rows'], rel=0.01)
    assert cells(row)['Logits'] == '64×10×5'


def test_what_needs_too_much_is_said():
    (case,) = choose(['MLKD'])
    row = measure(case, 256, 10, Settings(rounds=1, max_memory=5e4))
    assert set(row['ms']) == set(row['peak']) == {'KD'}
    assert row['needs']['straightforward'] > 5 * 4 * 256**2  # one Gram matrix per temperature
    assert row['needs']['ours'] < row['needs']['straightforward'] / 5
    assert row['speed_up'] is None and row['to_kd'] is None
    assert cells(row)['ms'].startswith('needs 0.00') and cells(row)['Speed-up'] == '–'
    assert cells(row)['Target'] == '≥ 1× not measured' and missed([row]) == 0


def test_targets_are_for_float32():
    (case,) = choose(['KD'])
    row = measure(case, 16, 10, Settings(dtype=torch.bfloat16, rounds=1))
    assert row['targets'] == []


@pytest.mark.parametrize(
    ('row', 'expected'),
    [
        (dict(loss='LDRLD', rows=64, classes=100, speed_up=10.0), [('≥ 10×', True)]),
        (
            dict(loss='LDRLD', rows=256, classes=1000, speed_up=19.9, to_kd=2.6),
            [('≥ 20×', False), ('≤ 2.5 KD', False)],
        ),
        (dict(loss='LDRLD', rows=20000, classes=80, speed_up=0.5), []),
        (dict(loss='DKD', rows=64, classes=100, speed_up=0.98), [('≥ 1×', True)]),
        (dict(loss='DKD', rows=64, classes=100, speed_up=0.96), [('≥ 1×', False)]),
        (dict(loss='LDRLD', against='C', exponent=1.11), [('≤ 1.1', False)]),
        (dict(loss='LDRLD', against='d', exponent=2.0), [('≤ 2', True)]),
        (dict(loss='DIST', against='N', exponent=3.0), []),
    ],
)
def test_targets(row, expected):
    found = verdicts(GROWTH if 'against' in row else SPEED, row)
    assert [(verdict['target'], verdict['met']) for verdict in found] == expected
