"""Figures of a study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .metrics import Metric
from .rows import Block, Row
from .study import TEACHER

__all__ = ['draw_blocks', 'plot_blocks']

_WIDTH = 18  # inches at most of a grid of panels, unless one panel is wider
_HEIGHT = 3.2  # inches of a panel without the names below it
_LETTER = 0.09  # inches, of a name below a panel
_LEGEND = 4.8  # inches


def plot_blocks(
    blocks: Sequence[Block],
    path: str | Path,
    title: str,
    metric: Metric,
    published_as: str = "Papers'",
) -> None:
    """Draw a panel per pair: seeds as dots, means as bars, the teacher dashed, papers' numbers.

    A run without a value has no dot, and its method no mean.

    Args:
        blocks: The rows, pair by pair; the row named ``'teacher'`` becomes the dashed line.
        path: Image file to write; its folder must exist.
        title: Heading.
        metric: The leading metric, which labels the axes.
        published_as: What the legend calls the papers' numbers.
    """
    draw_blocks(blocks, title, metric, published_as).savefig(path)


def draw_blocks(
    blocks: Sequence[Block], title: str, metric: Metric, published_as: str = "Papers'"
) -> Any:
    """Return as a figure what :func:`plot_blocks` writes, on a canvas of its own."""
    # Not pyplot: it would choose a display, and keep every figure.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [row.name for block in blocks for row in block.rows if row.name != TEACHER]
    longest = _LETTER * max(map(len, names))
    most = max(len(block.rows) - 1 for block in blocks)
    turned = longest > 0.9 or (most > 6 and len(blocks) > 1)
    slot = 0.4 if turned else 1.0
    width = max(1.6 + slot * most, 3.0)
    columns = min(len(blocks), max(1, int(_WIDTH / width)))
    lines = math.ceil(len(blocks) / columns)
    height = _HEIGHT + (0.75 * longest if turned else 0.2)
    size = (max(width * columns, _LEGEND, 0.11 * len(title)), height * lines + 0.6)
    figure = Figure(figsize=size, layout='constrained', dpi=150)
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axes, block in zip(panels, blocks, strict=False):
        _draw(axes, block, metric, published_as)
        if turned:
            axes.tick_params(axis='x', rotation=50)
            for label in axes.get_xticklabels():
                label.set(ha='right', rotation_mode='anchor')
    for axes in panels[len(blocks) :]:
        axes.remove()
    figure.suptitle(title)
    handles = {
        label: handle
        for axes in figure.axes
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc='outside lower center', ncols=len(handles))
    return figure


def _draw(axes: Any, block: Block, metric: Metric, published_as: str) -> None:
    students = [row for row in block.rows if row.name != TEACHER]
    teachers = [row for row in block.rows if row.name == TEACHER]
    for x, row in enumerate(students):
        _draw_row(axes, x, row, metric)
    for row in teachers:
        if (mean := row.mean(metric)) is not None:
            axes.axhline(mean, color='grey', linestyle='--', label=TEACHER)
    # beside the dots, the teacher's number at the left end of its line
    points = [*((-0.7, row) for row in teachers), *((x + 0.2, r) for x, r in enumerate(students))]
    published = [(x, row.published) for x, row in points if row.published is not None]
    axes.scatter(
        [x for x, _ in published],
        [value for _, value in published],
        marker='D',
        s=30,
        facecolors='none',
        edgecolors='tab:red',
        zorder=4,
        label=published_as if published else None,
    )
    axes.margins(y=0.12)
    axes.grid(axis='y', alpha=0.3)
    axes.set_xlim(-1.0 if published else -0.6, len(students) - 0.4)
    axes.set_xticks(range(len(students)), [row.name for row in students])
    axes.set_ylabel(metric.name)
    axes.set_title(block.pair, fontsize='medium')


def _draw_row(axes: Any, x: int, row: Row, metric: Metric) -> None:
    values = [value for value in row.values(metric) if value is not None]
    axes.scatter([x] * len(values), values, s=16, color='black', zorder=3, label='a seed')
    if (mean := row.mean(metric)) is not None:
        axes.hlines(mean, x - 0.3, x + 0.3, color='tab:blue', linewidth=3, label='mean')
