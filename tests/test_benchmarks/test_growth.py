from dataclasses import replace

import pytest

from mmlogitkd.benchmarks.growth import AXES, COLUMNS, fitted_exponent, measure
from mmlogitkd.benchmarks.loss_cases import CASES, choose
from mmlogitkd.benchmarks.loss_settings import Settings

ROWS, CLASSES, DEPTH = AXES
SIZES = [2**n for n in range(10, 16)]


@pytest.mark.parametrize('power', [0.0, 1.0, 1.7, 2.0])
def test_exponent_of_a_power(power):
    seconds = [3e-4 * size**power for size in SIZES]
    assert fitted_exponent(SIZES, seconds) == pytest.approx(power)


def test_exponent_is_the_slope_of_least_squares():
    # log time 0, 0, 3 over log size 0, 1, 2: the line through them has slope 3/2
    assert fitted_exponent([1, 2, 4], [1, 1, 8]) == pytest.approx(1.5)


def test_fixed_cost_makes_it_smaller():
    assert fitted_exponent(SIZES, [1.0 + 1e-4 * size for size in SIZES]) < 0.5


@pytest.mark.parametrize(
    ('sizes', 'seconds'), [([8], [1.0]), ([8, 8], [1.0, 2.0]), ([1, 2], [1.0])]
)
def test_no_line_through_one_size(sizes, seconds):
    with pytest.raises(ValueError, match='two sizes or more'):
        fitted_exponent(sizes, seconds)


def test_row_of_a_loss():
    (case,) = choose(['LDRLD'])
    row = measure(case, replace(ROWS, sizes=(16, 32, 64)), Settings(rounds=1))
    assert row['sizes'] == [16, 32, 64] and len(row['ms']) == 3
    assert row['exponent'] == pytest.approx(fitted_exponent(row['sizes'], row['ms']))
    assert row['last'] == pytest.approx(fitted_exponent(row['sizes'][1:], row['ms'][1:]))
    assert [verdict['target'] for verdict in row['targets']] == ['≤ 1.1']
    assert COLUMNS[1].cell(row) == 'N×100' and COLUMNS[3].cell(row) == '16 … 64'


def test_sizes_that_need_too_much_are_said():
    (case,) = choose(['MLKD'])
    row = measure(case, replace(ROWS, sizes=(64, 128, 1024)), Settings(rounds=1, max_memory=2e6))
    assert row['sizes'] == [64, 128] and list(row['needs']) == ['1024']
    assert COLUMNS[3].cell(row).startswith('64 … 128, 1024 needs 0.0')
    row = measure(case, replace(ROWS, sizes=(64, 128)), Settings(rounds=1, max_memory=1))
    assert row['exponent'] is None and COLUMNS[5].cell(row) == '–'


def test_every_loss_grows_with_rows_and_classes_and_two_with_depth():
    for axis in (ROWS, CLASSES):
        assert {case.name for case in CASES if axis.has(case)} == {case.name for case in CASES}
    assert [case.name for case in CASES if DEPTH.has(case)] == ['GDKD', 'LDRLD']


@pytest.mark.parametrize('sizes', [(8,), (8, 8), (4, 8), (8, 1024)])
def test_sizes_of_no_use(sizes):
    with pytest.raises(ValueError, match='two or more different ones are needed, from 8 to 512'):
        replace(DEPTH, sizes=sizes)
