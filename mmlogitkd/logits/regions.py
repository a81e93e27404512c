"""Local logits of a classifier: cells of its last feature map through its own neck and head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ['averaging_pool', 'evaluating', 'pooled_cells', 'region_logits', 'with_whole']


def averaging_pool(neck: nn.Module | None) -> nn.Module | None:
    """Return the global average pooling that ends ``neck``, None where there is none.

    Only with it are the cells of a grid well defined: averaging a cell first and passing it
    through neck and head as a 1x1 map gives what the model would say of that cell alone.
    """
    last = neck[-1] if isinstance(neck, nn.Sequential) and len(neck) else neck
    return last if isinstance(getattr(last, 'gap', None), nn.AdaptiveAvgPool2d) else None


def pooled_cells(feature_map: Tensor, scales: Sequence[int], nested: bool = False) -> Tensor:
    """Average a map over the cells of an m x m grid for every m in ``scales``.

    A grid finer than the map is its positions repeated, and taken only where each is repeated
    equally often: a 4x4 grid of a 2x2 map has every position four times, as in the authors' runs
    with MobileNetV2 on 32x32 images.

    Args:
        feature_map: (N, D, H, W).
        scales: grid sizes.
        nested: pool the finest grid from the map and the coarser ones from that grid, as the
            authors of SDD do; the same numbers where H and W are multiples of the finest grid.

    Returns:
        (N, D, sum of m*m), scale by scale, row by row.

    Raises:
        ValueError: a grid finer than the map and no multiple of it, or finer than a map with a
            side of 1, which has no regions.
    """
    height, width = feature_map.shape[-2:]
    for m in scales:
        if any(m > side and (side == 1 or m % side) for side in (height, width)):
            raise ValueError(
                f'scales={tuple(scales)} ask for a {m}x{m} grid, but the last feature map is '
                f'{height}x{width}: leave out scales above {min(height, width)}, or use larger '
                'inputs'
            )
    source = F.adaptive_avg_pool2d(feature_map, max(scales)) if nested else feature_map
    return torch.cat([F.adaptive_avg_pool2d(source, m).flatten(2) for m in scales], dim=2)


def region_logits(cells: Tensor, pool: nn.Module, head: nn.Module) -> Tensor:
    """Pass cells through a model's own pooling neck and head.

    Both run in eval mode for this: dropout would make cells differ from the global logits for no
    reason in the image, and batch-norm statistics must not be fed with cells.

    Args:
        cells: (N, D, R).
        pool: the neck's average pooling.
        head: the classification head.

    Returns:
        (N, C, R).
    """
    n, width, regions = cells.shape
    maps = cells.transpose(1, 2).reshape(n * regions, width, 1, 1)  # (N, D, R) -> (N*R, D, 1, 1)
    with evaluating(pool, head):
        logits = head(pool((maps,)))  # (N*R, C)
    return logits.unflatten(0, (n, regions)).transpose(1, 2)  # (N, C, R)


def with_whole(logits: Tensor, cells: Tensor) -> Tensor:
    """Put the global logits (N, C) before those of the cells (N, C, R), as region 0.

    In memory the classes stay next to each other: the losses go along them, region by region.
    """
    regions = torch.cat([logits.unsqueeze(1), cells.transpose(1, 2)], dim=1)  # (N, 1 + R, C)
    return regions.transpose(1, 2)


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Put modules into eval mode and give every submodule its own mode back."""
    modes = [(child, child.training) for module in modules for child in module.modules()]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for child, training in modes:
            child.training = training
