from __future__ import annotations

import csv
import io
import statistics
from dataclasses import replace

import pytest
from rich.console import Console

from mmlogitkd.analysis import (
    Metric,
    Result,
    load_study,
    markdown_table,
    plan,
    rich_table,
    runs_of,
    summarise,
    write_csv,
)
from mmlogitkd.analysis.rows import Block, Row

TOP1 = (Metric('top-1', 'a'),)
COCO = (Metric('AP', 'a', 100, 1), Metric('AP50', 'b', 100, 1), Metric('APs', 'c', 100, 1))


def result(*values: float | None, seconds: float = 10.0) -> Result:
    last = dict(zip('abc', values, strict=False))
    return Result('', 0, '', [dict(a=1.0, b=1.0, c=1.0), last], seconds, [])


@pytest.fixture
def block() -> Block:
    teacher = Row('teacher', (result(40.0, seconds=99.6),), published=41)
    alone = Row('alone', (result(20.0), result(22.0)))
    kd = Row('KD', (result(30.0, seconds=20.0), result(33.0)), published=32.125)
    return Block('', (teacher, alone, kd), 'alone')


@pytest.fixture
def unpublished(block) -> Block:
    return replace(block, rows=tuple(replace(row, published=None) for row in block.rows))


@pytest.fixture
def detectors() -> Block:
    """No small objects; and one of the runs has found nothing at all."""
    teacher = Row('teacher', (result(0.412, 0.63, None),))
    alone = Row('alone', (result(0.281, 0.5, None), result(0.28, 0.502, None)))
    return Block('', (teacher, alone, Row('KD', (result(0.3, 0.5, None), result()))), 'alone')


@pytest.fixture
def partial(block) -> Block:
    """One seed of KD is missing, and everything of DKD."""
    teacher, alone, kd = block.rows
    rows = (teacher, alone, replace(kd, results=(None, kd.results[1])), Row('DKD', (None, None)))
    return Block('Small | smaller', rows, 'alone')


def test_rows(block):
    teacher, alone, kd = block.rows
    assert kd.values(TOP1[0]) == [30.0, 33.0]
    assert kd.seconds == 15.0
    assert kd.mean(TOP1[0]) == 31.5
    assert kd.spread(TOP1[0]) == pytest.approx(statistics.stdev([30, 33]))
    assert teacher.spread(TOP1[0]) is None
    assert block.gain(kd, TOP1[0]) == 10.5 and block.gain(alone, TOP1[0]) == 0


def test_markdown(unpublished):
    assert markdown_table([unpublished], TOP1) == (
        '| Method | top-1, mean ± sd | Over alone | Every seed | Seconds |\n'
        '| :-- | --: | --: | --: | --: |\n'
        '| teacher | 40.00 | +19.00 | 40.00 | 100 |\n'
        '| alone | 21.00 ± 1.41 |  | 20.00, 22.00 | 10 |\n'
        '| KD | 31.50 ± 2.12 | +10.50 | 30.00, 33.00 | 15 |\n'
    )


def test_pairs_published_numbers_and_what_is_missing(unpublished, partial):
    first = replace(unpublished, pair='Big → small')
    table, note = markdown_table([first, partial], TOP1, 'papers').split('\n\n')
    assert table == (
        '| Method | top-1, mean ± sd | Over alone | papers | Every seed | Seconds |\n'
        '| :-- | --: | --: | --: | --: | --: |\n'
        '| **Big → small** |  |  |  |  |  |\n'
        '| teacher | 40.00 | +19.00 |  | 40.00 | 100 |\n'
        '| alone | 21.00 ± 1.41 |  |  | 20.00, 22.00 | 10 |\n'
        '| KD | 31.50 ± 2.12 | +10.50 |  | 30.00, 33.00 | 15 |\n'
        '| **Small \\| smaller** |  |  |  |  |  |\n'
        '| teacher | 40.00 | +19.00 | 41.00 | 40.00 | 100 |\n'
        '| alone | 21.00 ± 1.41 |  |  | 20.00, 22.00 | 10 |\n'
        '| KD | 33.00 (1 of 2) | +12.00 | 32.12 | ?, 33.00 | 10 |\n'
        '| DKD | ? |  |  | ?, ? |  |'
    )
    assert note.startswith('?: no result yet')
    other = replace(first, reference='KD')
    assert '| Over the first student |' in markdown_table([first, other], TOP1)


def test_several_metrics_in_percent_and_values_that_are_missing(detectors):
    table, note = markdown_table([detectors], COCO).split('\n\n')
    assert table == (
        '| Method | AP, mean ± sd | Over alone | AP50 | APs | Every seed | Seconds |\n'
        '| :-- | --: | --: | --: | --: | --: | --: |\n'
        '| teacher | 41.2 | +13.1 | 63.0 | – | 41.2 | 10 |\n'
        '| alone | 28.1 ± 0.1 |  | 50.1 | – | 28.1, 28.0 | 10 |\n'
        '| KD | – |  | – | – | 30.0, – | 10 |'
    )
    assert note.startswith('–: no value in the log.')


def test_without_the_reference_there_are_no_gains(unpublished):
    block = replace(unpublished, reference='nobody')
    assert '| KD | 31.50 ± 2.12 |  |' in markdown_table([block], TOP1)


def printed(*arguments) -> str:
    console = Console(file=io.StringIO(), width=80)  # what a pipe or a small terminal has
    console.print(rich_table(*arguments))
    return console.file.getvalue()


def test_rich_table_says_the_same(unpublished, detectors, partial):
    text = printed([unpublished], TOP1, 'A study')
    for part in ('A study', '31.50 ± 2.12', '+10.50', 'Over alone', '30.00, 33.00'):
        assert part in text
    assert 'no value' not in text and "Papers'" not in text
    text = printed([detectors], COCO, 'A study')
    for part in ('28.1 ± 0.1', '+13.1', 'AP50', '30.0, –', '–: no value'):
        assert part in text
    text = printed([replace(partial, pair='Big [ours]')], TOP1, '[a] study')
    for part in ('[a] study', 'Big [ours]', "Papers'", '32.12', '(1 of', '?: no result yet'):
        assert part in text


def test_results_of_a_plan_in_the_table_and_as_csv(pairs_file, tmp_path):
    groups = plan(load_study(pairs_file), tmp_path)
    runs = runs_of(groups)
    results = {run: result(float(index), seconds=1.5) for index, run in enumerate(runs)}
    del results[runs[2]]
    first, second, third = summarise(groups, results)
    assert (first.pair, first.reference) == ('Big → small', 'alone')
    assert [row.published for row in first.rows] == [60, None, 48.5]
    assert first.rows[2].results == (None, results[runs[4]])
    assert first.rows[1] == second.rows[1]  # a shared run
    assert third.rows[0] == replace(first.rows[0], published=None)

    write_csv(tmp_path / 'out.csv', groups, results, TOP1, pairs_file.parent)
    with (tmp_path / 'out.csv').open(encoding='utf-8', newline='') as file:
        header, *lines = csv.reader(file)
    names = ['pair', 'method', 'seed', 'top-1', 'seconds', 'config', 'options', 'folder']
    assert header == names
    assert len(lines) == 16  # 13 results, of which 3 stand in two pairs
    first = ['Big → small', 'teacher', '5', '0', '1.5', 'big.py', 'randomness.seed=5']
    assert lines[0] == [*first, 'study-big_seed5']
    shared = [line[:2] for line in lines if line[-1] == 'study-alone_seed7']
    assert shared == [['Big → small', 'alone'], ['Bigger → small', 'alone']]
