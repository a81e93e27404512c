"""A picture of what detectors have found, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .boxes import IOU, Boxes, Truth, Verdict, agreement

__all__ = ['Scene', 'plot_scenes']

_WIDTH = 3.0  # of a column, inches
_MANY = 12  # boxes of one image from which on their labels are small
_STYLES: dict[Verdict, Any] = {
    Verdict.RIGHT: 'solid',
    Verdict.WRONG: (0, (3, 2)),  # dashed
    Verdict.IGNORED: 'dotted',
}


@dataclass
class Scene:
    """An image and what is found in it.

    Attributes:
        name: Heading of its row.
        pixels: (H, W, 3), RGB, 0 to 255.
        truth: What is annotated.
        found: Boxes by the name of the model, the best first.
    """

    name: str
    pixels: np.ndarray
    truth: Truth
    found: dict[str, Boxes] = field(default_factory=dict)

    def counts(self, model: str) -> tuple[int, int, int]:
        """Return how many boxes of a model are right, how many wrong, how many objects missed.

        Boxes in an ignored region are none of these.
        """
        verdicts = agreement(self.found[model], self.truth)
        right, wrong = (
            int((verdicts == verdict).sum()) for verdict in (Verdict.RIGHT, Verdict.WRONG)
        )
        return right, wrong, len(self.truth.objects) - right


def plot_scenes(
    scenes: Sequence[Scene], classes: Sequence[str], path: str | Path, title: str = ''
) -> Any:
    """Draw a row per image: the annotated boxes, then each model's; return matplotlib's figure.

    A box has the colour of its class. Boxes that :func:`mmlogitkd.analysis.boxes.agreement` finds
    right are solid, wrong ones dashed, ignored ones dotted; a heading counts the first two and the
    objects that were missed.

    Args:
        scenes: The images, each with boxes of the same models.
        classes: Names of the classes, by label.
        path: Image file to write; its folder must exist.
        title: Heading of the picture.
    """
    # Not pyplot: it would choose a display, and keep every figure.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    models = list(scenes[0].found)
    ratios = [scene.pixels.shape[0] / scene.pixels.shape[1] for scene in scenes]
    height = sum(_WIDTH * ratio + 0.35 for ratio in ratios) + 1
    columns = 1 + len(models)
    figure = Figure(figsize=(_WIDTH * columns, height), layout='constrained', dpi=120)
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(scenes), columns, squeeze=False, height_ratios=ratios)
    colours = _colours(classes)
    for row, scene in zip(grid, scenes, strict=True):
        for axes in row:
            # COCO's coordinates begin at the edge of the first pixel, not at its centre
            axes.imshow(scene.pixels, extent=(0, scene.pixels.shape[1], scene.pixels.shape[0], 0))
            axes.set(xticks=[], yticks=[])
        row[0].set_ylabel(scene.name, fontsize=8)
        count = len(scene.truth.objects)
        font = 6 if max(count, *map(len, scene.found.values())) <= _MANY else 4  # points
        row[0].set_title(f'{count} object{"" if count == 1 else "s"}', fontsize=8)
        everything = np.full(count, Verdict.RIGHT)
        _draw(row[0], scene.truth.objects, everything, classes, colours, font)
        for axes, model in zip(row[1:], models, strict=True):
            right, wrong, missed = scene.counts(model)
            axes.set_title(f'{right} right, {wrong} wrong, {missed} missed', fontsize=8)
            boxes = scene.found[model]
            _draw(axes, boxes, agreement(boxes, scene.truth), classes, colours, font)
    for axes, name in zip(grid[0], ('annotated', *models), strict=True):
        axes.set_title(f'{name}\n', fontsize=11, fontweight='bold', loc='left')
    shown = [Verdict.RIGHT, Verdict.WRONG]
    if any(len(scene.truth.ignored) for scene in scenes):
        shown.append(Verdict.IGNORED)
    figure.legend(handles=_legend(shown), loc='outside lower center', ncols=len(shown), fontsize=8)
    if title:
        figure.suptitle(title)
    figure.savefig(path)
    return figure


def _colours(classes: Sequence[str]) -> list[Any]:
    """Return one colour per class, as different as the count allows."""
    from matplotlib import colormaps

    if len(classes) <= 10:
        return list(colormaps['tab10'].colors)[: len(classes)]  # type: ignore[attr-defined]
    return [colormaps['hsv'](index / len(classes))[:3] for index in range(len(classes))]


def _draw(
    axes: Any,
    boxes: Boxes,
    verdicts: np.ndarray,
    classes: Sequence[str],
    colours: Sequence[Any],
    font: int,
) -> None:
    from matplotlib.patches import Rectangle

    luminance = np.array(colours) @ (0.299, 0.587, 0.114)
    height = axes.get_ylim()[0]
    for index in reversed(range(len(boxes))):  # the best score on top
        x1, y1, x2, y2 = boxes.corners[index]
        label = int(boxes.labels[index])
        colour = colours[label]
        frame = dict(fill=False, edgecolor=colour, linewidth=1.6)
        verdict = Verdict(verdicts[index])
        # A wrong box often lies on a right one: its label goes to its lower edge.
        below = verdict is Verdict.WRONG
        fits = y2 < 0.96 * height if below else y1 > 0.04 * height
        axes.add_patch(
            Rectangle((x1, y1), x2 - x1, y2 - y1, linestyle=_STYLES[verdict], zorder=3, **frame)
        )
        downwards = below == fits
        axes.annotate(
            classes[label] + ('' if boxes.scores is None else f' {boxes.scores[index]:.2f}'),
            (x1, y2 if below else y1),
            xytext=(0, -2.5 if downwards else 2),
            textcoords='offset points',
            fontsize=font,
            color='black' if luminance[label] > 0.5 else 'white',
            verticalalignment='top' if downwards else 'bottom',
            clip_on=True,
            bbox=dict(facecolor=colour, edgecolor='none', pad=0.8, alpha=0.85),
            zorder=2,
        )


def _legend(shown: Sequence[Verdict]) -> list[Any]:
    from matplotlib.lines import Line2D

    meanings = {
        Verdict.RIGHT: f'right: IoU ≥ {IOU} with an object of its class',
        Verdict.WRONG: 'wrong: with none, or with one that is already found',
        Verdict.IGNORED: 'not counted: in a region to be ignored',
    }
    return [
        Line2D([], [], color='black', linestyle=_STYLES[verdict], label=meanings[verdict])
        for verdict in shown
    ]
