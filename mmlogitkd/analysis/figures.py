"""Figures of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .study import TEACHER
from .tables import Row

__all__ = ['plot_rows']


def plot_rows(rows: Sequence[Row], path: str | Path, title: str, metric: str) -> None:
    """Draw every seed as a dot and every mean as a bar; the teacher is a dashed line.

    Args:
        rows: One per method; one named ``'teacher'`` becomes the line.
        path: Image file to write; its folder must exist.
        title: Heading.
        metric: Label of the axis.
    """
    # Not pyplot: it would choose a display, and keep every figure.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    students = [row for row in rows if row.name != TEACHER]
    figure = Figure(figsize=(1.6 + 1.0 * len(students), 4), layout='constrained', dpi=150)
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for x, row in enumerate(students):
        axes.bar(x, row.mean, width=0.6, color='tab:blue', alpha=0.35)
        axes.scatter([x] * len(row.values), row.values, s=16, color='tab:blue', zorder=3)
    for row in rows:
        if row.name == TEACHER:
            axes.axhline(row.mean, color='black', linestyle='--', label=f'teacher {row.mean:.1f}')
            axes.legend(loc='lower right')
    values = [value for row in rows for value in row.values]
    margin = 0.25 * (max(values) - min(values)) or 1.0
    axes.set_ylim(max(min(values) - margin, 0), max(values) + margin)
    axes.set_xticks(range(len(students)), [row.name for row in students])
    axes.set_ylabel(metric)
    axes.set_title(title)
    figure.savefig(path)
