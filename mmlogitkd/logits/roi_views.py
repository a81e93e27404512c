"""Local logits of boxes: views of a RoI through the detector's own box head, for SDD."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .regions import evaluating
from .roi_stages import BoxStage

__all__ = ['cell_boxes', 'cell_views', 'phase_views']


def phase_views(stage: BoxStage, feats: Sequence[Tensor], rois: Tensor) -> Tensor:
    """Five views of a RoI that is pooled at twice the head's input size.

    As in the code of SDD's authors: the average over 2x2 neighbours, which is the global view, and
    the four phases of stride 2. Each covers the whole box.

    Args:
        stage: what pools and scores.
        feats: the detector's feature maps.
        rois: (N, 5), image index and corners.

    Returns:
        (N, C + 1, 5), the averaged view first.
    """
    with _doubled(stage.extractor):
        pooled = stage.pooled(feats, rois)  # (N, D, 2h, 2w)
    phases = [pooled[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return _scored(stage, torch.stack([F.avg_pool2d(pooled, 2), *phases], dim=1))


def cell_views(
    stage: BoxStage, feats: Sequence[Tensor], rois: Tensor, scales: Sequence[int]
) -> Tensor:
    """The sub-boxes of an m x m grid over every RoI, each scored like a RoI of its own.

    Args:
        stage: what pools and scores. Its extractor chooses the level of every sub-box by the size
            of that sub-box.
        feats: the detector's feature maps.
        rois: (N, 5), image index and corners.
        scales: grid sizes m.

    Returns:
        (N, C + 1, sum of m*m), scale by scale, row by row.
    """
    cells = torch.cat(
        [rois.new_zeros(len(rois), 0, 5), *(cell_boxes(rois, grid) for grid in scales)], dim=1
    )  # (N, R, 5)
    pooled = stage.pooled(feats, cells.flatten(0, 1))  # (N*R, D, h, w)
    return _scored(stage, pooled.unflatten(0, cells.shape[:2]))


def cell_boxes(rois: Tensor, grid: int) -> Tensor:
    """Cut boxes (N, 5) into grid x grid equal parts: (N, grid * grid, 5), row by row."""
    steps = torch.arange(grid, device=rois.device, dtype=rois.dtype)
    row, column = (part.flatten() for part in torch.meshgrid(steps, steps, indexing='ij'))
    image, left, top, right, bottom = (part.unsqueeze(1) for part in rois.unbind(1))  # (N, 1)
    width, height = (right - left) / grid, (bottom - top) / grid
    corners = (
        left + column * width,
        top + row * height,
        left + (column + 1) * width,
        top + (row + 1) * height,
    )
    return torch.stack([image.expand_as(corners[0]), *corners], dim=2)


def _scored(stage: BoxStage, views: Tensor) -> Tensor:
    """Class scores of pooled views, (N, R, D, h, w) to (N, C + 1, R).

    The head runs in eval mode for this: dropout would make the views differ for no reason in the
    image, and batch-norm statistics must not be fed with them.
    """
    modules = [part for part in (stage.shared_head, stage.head) if part is not None]
    with evaluating(*modules):
        logits = stage.classify(views.flatten(0, 1))  # (N*R, C + 1)
    return logits.unflatten(0, views.shape[:2]).transpose(1, 2)


@contextmanager
def _doubled(extractor: Any) -> Iterator[None]:
    """Let a RoI extractor pool to twice its output size."""
    layers = list(extractor.roi_layers)
    sizes = [layer.output_size for layer in layers]
    for layer, (height, width) in zip(layers, sizes, strict=True):
        layer.output_size = (2 * height, 2 * width)
    try:
        yield
    finally:
        for layer, size in zip(layers, sizes, strict=True):
            layer.output_size = size
