"""Figures of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .metrics import Metric
from .study import TEACHER
from .tables import Row

__all__ = ['plot_rows']


def plot_rows(rows: Sequence[Row], path: str | Path, title: str, metric: Metric) -> None:
    """Draw every seed as a dot and every mean as a line; the teacher is a dashed line.

    A run without a value has no dot, and its method no mean.

    Args:
        rows: One per method; one named ``'teacher'`` becomes the line.
        path: Image file to write; its folder must exist.
        title: Heading.
        metric: The leading metric, which labels the axis.
    """
    # Not pyplot: it would choose a display, and keep every figure.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    students = [row for row in rows if row.name != TEACHER]
    figure = Figure(figsize=(1.6 + 1.0 * len(students), 4), layout='constrained', dpi=150)
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for x, row in enumerate(students):
        values = [value for value in row.values if value is not None]
        axes.scatter([x] * len(values), values, s=16, color='black', zorder=3)
        if row.mean is not None:
            axes.hlines(row.mean, x - 0.3, x + 0.3, color='tab:blue', linewidth=3)
    for row in rows:
        if row.name == TEACHER and row.mean is not None:
            axes.axhline(row.mean, color='grey', linestyle='--')
            axes.annotate('teacher', (-0.4, row.mean), xytext=(0, 3), textcoords='offset points')
    axes.margins(y=0.12)
    axes.grid(axis='y', alpha=0.3)
    axes.set_xticks(range(len(students)), [row.name for row in students])
    axes.set_ylabel(metric.name)
    axes.set_title(title)
    figure.savefig(path)
