from __future__ import annotations

import io
import statistics

import pytest
from PIL import Image
from rich.console import Console

from mmlogitkd.analysis import (
    Metric,
    Result,
    Row,
    markdown_table,
    plot_rows,
    rich_table,
    summarise,
)
from mmlogitkd.analysis.progress import duration

TOP1 = (Metric('top-1', 'a'),)
COCO = (Metric('AP', 'a', 100, 1), Metric('AP50', 'b', 100, 1), Metric('APs', 'c', 100, 1))


def result(name: str, seed: int, *values: float | None, seconds: float = 10.0) -> Result:
    last = dict(zip('abc', values, strict=False))
    return Result(name, seed, '', [dict(a=1.0, b=1.0, c=1.0), last], seconds, [])


@pytest.fixture
def rows() -> list[Row]:
    results = [
        result('KD', 1, 33.0),
        result('alone', 0, 20.0),
        result('teacher', 0, 40.0, seconds=99.6),
        result('KD', 0, 30.0, seconds=20.0),
        result('alone', 1, 22.0),
    ]
    return summarise(results, ['teacher', 'alone', 'KD', 'absent'], TOP1)


@pytest.fixture
def detectors() -> list[Row]:
    """No small objects; and one of the runs has found nothing at all."""
    results = [
        result('teacher', 0, 0.412, 0.63, None),
        result('alone', 0, 0.281, 0.5, None),
        result('alone', 1, 0.28, 0.502, None),
        result('KD', 0, 0.3, 0.5, None),
        result('KD', 1),
    ]
    return summarise(results, ['teacher', 'alone', 'KD'], COCO)


def test_summarise(rows):
    assert [row.name for row in rows] == ['teacher', 'alone', 'KD']
    assert rows[2].values == (30.0, 33.0)
    assert rows[2].seconds == 15.0
    assert rows[2].mean == 31.5
    assert rows[2].spread == pytest.approx(statistics.stdev([30, 33]))
    assert rows[0].spread is None


def test_markdown(rows):
    assert markdown_table(rows, 'alone', TOP1) == (
        '| Method | top-1, mean ± sd | Over alone | Every seed | Seconds |\n'
        '| :-- | --: | --: | --: | --: |\n'
        '| teacher | 40.00 | +19.00 | 40.00 | 100 |\n'
        '| alone | 21.00 ± 1.41 |  | 20.00, 22.00 | 10 |\n'
        '| KD | 31.50 ± 2.12 | +10.50 | 30.00, 33.00 | 15 |\n'
    )


def test_several_metrics_in_percent_and_values_that_are_missing(detectors):
    table, note = markdown_table(detectors, 'alone', COCO).split('\n\n')
    assert table == (
        '| Method | AP, mean ± sd | Over alone | AP50 | APs | Every seed | Seconds |\n'
        '| :-- | --: | --: | --: | --: | --: | --: |\n'
        '| teacher | 41.2 | +13.1 | 63.0 | – | 41.2 | 10 |\n'
        '| alone | 28.1 ± 0.1 |  | 50.1 | – | 28.1, 28.0 | 10 |\n'
        '| KD | – |  | – | – | 30.0, – | 10 |'
    )
    assert note.startswith('–: no value in the log.')


def test_without_the_reference_there_are_no_gains(rows):
    assert '| KD | 31.50 ± 2.12 |  |' in markdown_table(rows, 'nobody', TOP1)


def printed(*arguments) -> str:
    console = Console(file=io.StringIO(), width=80)  # what a pipe or a small terminal has
    console.print(rich_table(*arguments))
    return console.file.getvalue()


def test_rich_table_says_the_same(rows, detectors):
    text = printed(rows, 'alone', TOP1, 'A study')
    for part in ('A study', '31.50 ± 2.12', '+10.50', 'Over alone', '30.00, 33.00'):
        assert part in text
    assert 'no value' not in text
    text = printed(detectors, 'alone', COCO, 'A study')
    for part in ('28.1 ± 0.1', '+13.1', 'AP50', '30.0, –', '–: no value'):
        assert part in text


@pytest.mark.parametrize('count', [1, 3])
def test_figure(rows, detectors, tmp_path, count):
    for mine, metric in ((rows, TOP1[0]), (detectors, COCO[0])):
        plot_rows(mine[-count:], tmp_path / 'figure.png', 'A study', metric)
        with Image.open(tmp_path / 'figure.png') as image:
            assert image.size[1] == 600
            assert len(image.convert('RGB').getcolors(1 << 20)) > 10


def test_durations():
    assert [duration(s) for s in (0.4, 59.4, 59.6, 3599, 3600, 7380)] == [
        '0 s', '59 s', '1 min 00 s', '59 min 59 s', '1 h 00 min', '2 h 03 min',
    ]  # fmt: skip
