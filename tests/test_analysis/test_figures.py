from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from PIL import Image

from mmlogitkd.analysis import Metric, Result, plot_blocks
from mmlogitkd.analysis.figures import draw_blocks
from mmlogitkd.analysis.rows import Block, Row

TOP1 = Metric('top-1', 'a')
MANY = ['alone', *(f'SDD (on LDRLD {index})' for index in range(17))]


def row(name: str, *values: float | None, published: float | None = None) -> Row:
    results = (Result('', 0, '', [{'a': value}], 1.0, []) for value in values)
    return Row(name, tuple(results), published)


def block(names: Sequence[str], pair: str = '', published: float | None = None) -> Block:
    rows = (row(name, 60.0 + index, 61.0, published=published) for index, name in enumerate(names))
    return Block(pair, (row('teacher', 70.0), *rows), 'alone')


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize(
    ('names', 'pairs'), [(['a', 'KD'], 1), (MANY, 1), (['a', 'KD'], 5), (MANY, 3)]
)
def test_names_do_not_meet(names, pairs):
    figure = draw_blocks([block(names, str(index)) for index in range(pairs)], 'A study', TOP1)
    figure.canvas.draw()
    panels = figure.axes
    assert len(panels) == pairs
    for panel in panels:
        labels = panel.get_xticklabels()
        assert [label.get_text() for label in labels] == names
        boxes = [label.get_window_extent() for label in labels]
        turned = {label.get_rotation() for label in labels}
        assert turned == ({50.0} if names == MANY else {0.0})
        for left, right in pairwise(boxes):
            if names == MANY:  # parallel lines of text, further apart than a line is high
                height = labels[0].get_fontsize() * figure.dpi / 72
                assert (right.x1 - left.x1) * 0.766 > 1.2 * height  # sin(50°)
            else:
                assert left.x1 < right.x0
        assert boxes[0].y0 >= 0


def test_no_panel_meets_another():
    figure = draw_blocks([block(MANY, str(index)) for index in range(5)], 'A study', TOP1)
    figure.canvas.draw()
    boxes = [panel.get_tightbbox() for panel in figure.axes]
    boxes.append(figure.legends[0].get_window_extent())
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])


def test_published_numbers_are_diamonds_of_their_own():
    plain, published = block(['alone', 'KD'], 'A'), block(['alone', 'KD'], 'B', 65.5)
    figure = draw_blocks([plain, published], 'A study', TOP1, 'papers')
    assert legend(figure) == ['a seed', 'mean', 'teacher', 'papers']
    values = [
        [float(y) for points in panel.collections for _, y in points.get_offsets()]
        for panel in figure.axes
    ]
    assert values[0].count(65.5) == 0 and values[1].count(65.5) == 2
    assert legend(draw_blocks([plain], 'A study', TOP1)) == ['a seed', 'mean', 'teacher']


def test_what_is_missing_is_left_out(tmp_path):
    rows = (row('teacher'), row('alone', 3.0), row('KD', 3.0, None), Row('DKD', (None, None)))
    plot_blocks([Block('', rows, 'alone')], tmp_path / 'figure.png', 'A study', TOP1)
    nothing = Block('', tuple(Row(name, (None,)) for name in ('teacher', 'alone')), 'alone')
    plot_blocks([nothing], tmp_path / 'nothing.png', 'A study', TOP1)
    for name in ('figure', 'nothing'):
        with Image.open(tmp_path / f'{name}.png') as image:
            assert len(image.convert('RGB').getcolors(1 << 20)) > 10


def test_a_long_title_fits():
    title = 'CIFAR-100, 5,000 images, resnet20 to resnet8, after 24 epochs, top-1 (%)'
    figure = draw_blocks([block(['alone', 'KD'])], title, TOP1)
    figure.canvas.draw()
    box = figure._suptitle.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
