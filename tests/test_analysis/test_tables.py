from __future__ import annotations

import io
import statistics

import pytest
from PIL import Image
from rich.console import Console

from mmlogitkd.analysis import Result, Row, markdown_table, plot_rows, rich_table, summarise
from mmlogitkd.analysis.progress import duration


def result(name: str, seed: int, value: float, seconds: float = 10.0) -> Result:
    return Result(name, seed, '', value, [[1, value]], seconds, [])


@pytest.fixture
def rows() -> list[Row]:
    results = [
        result('KD', 1, 33.0),
        result('alone', 0, 20.0),
        result('teacher', 0, 40.0, 99.6),
        result('KD', 0, 30.0, 20.0),
        result('alone', 1, 22.0),
    ]
    return summarise(results, ['teacher', 'alone', 'KD', 'absent'])


def test_summarise(rows):
    assert [row.name for row in rows] == ['teacher', 'alone', 'KD']
    assert rows[2].values == (30.0, 33.0)
    assert rows[2].seconds == 15.0
    assert rows[2].mean == 31.5
    assert rows[2].spread == pytest.approx(statistics.stdev([30, 33]))
    assert rows[0].spread is None


def test_markdown(rows):
    assert markdown_table(rows, 'alone') == (
        '| Method | Mean ± sd | Over alone | Every seed | Seconds |\n'
        '| :-- | --: | --: | --: | --: |\n'
        '| teacher | 40.00 | +19.00 | 40.00 | 100 |\n'
        '| alone | 21.00 ± 1.41 |  | 20.00, 22.00 | 10 |\n'
        '| KD | 31.50 ± 2.12 | +10.50 | 30.00, 33.00 | 15 |\n'
    )


def test_without_the_reference_there_are_no_gains(rows):
    assert '| KD | 31.50 ± 2.12 |  |' in markdown_table(rows, 'nobody')


def test_rich_table_says_the_same(rows):
    console = Console(file=io.StringIO(), width=80)  # what a pipe or a small terminal has
    console.print(rich_table(rows, 'alone', 'A study'))
    text = console.file.getvalue()
    for part in ('A study', '31.50 ± 2.12', '+10.50', 'Over alone', '30.00, 33.00'):
        assert part in text


@pytest.mark.parametrize('count', [1, 3])
def test_figure(rows, tmp_path, count):
    plot_rows(rows[-count:], tmp_path / 'figure.png', 'A study', 'top-1 (%)')
    with Image.open(tmp_path / 'figure.png') as image:
        assert image.size[1] == 600
        assert len(image.convert('RGB').getcolors(1 << 20)) > 10


def test_durations():
    assert [duration(s) for s in (0.4, 59.4, 59.6, 3599, 3600, 7380)] == [
        '0 s', '59 s', '1 min 00 s', '59 min 59 s', '1 h 00 min', '2 h 03 min',
    ]  # fmt: skip
