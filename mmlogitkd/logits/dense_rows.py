"""From class maps to rows, and the proof that two heads' rows are the same places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .dense_families import Family

__all__ = ['check_maps', 'check_priors', 'rows_at', 'rows_of_maps', 'to_logits']


def rows_of_maps(maps: Sequence[Tensor], channels: int) -> Tensor:
    """Flatten class maps as mmdet's heads do: (height, width, prior) within an image and level.

    Args:
        maps: one (B, priors * channels, H, W) per level.
        channels: classes, and the background column where the head has one.

    Returns:
        (B, R, channels), level after level.
    """
    levels = [level.permute(0, 2, 3, 1).reshape(len(level), -1, channels) for level in maps]
    return torch.cat(levels, dim=1)


def rows_at(maps: Sequence[Tensor], channels: int, index: Tensor | None) -> Tensor:
    """Some rows of :func:`rows_of_maps`, flattened to (B * R, channels), without making the rest.

    Args:
        maps: one (B, priors * channels, H, W) per level.
        channels: classes, and the background column where the head has one.
        index: (P,) into the B * R rows; None for all of them.

    Returns:
        (P, channels), or (B * R, channels).
    """
    if index is None:
        return rows_of_maps(maps, channels).flatten(0, 1)
    sizes = [level[0].numel() // channels for level in maps]
    image, row = index // sum(sizes), index % sum(sizes)
    chosen = maps[0].new_zeros(())
    for level, size in zip(maps, sizes, strict=True):
        priors, width = level.size(1) // channels, level.size(3)
        within = row.clamp(0, size - 1)  # rows of other levels read something, and are left out
        cell, prior = within // priors, within % priors
        places = level.unflatten(1, (priors, channels)).permute(0, 3, 4, 1, 2)  # (B, H, W, A, C)
        here = ((row >= 0) & (row < size)).unsqueeze(1)
        chosen = torch.where(here, places[image, cell // width, cell % width, prior], chosen)
        row = row - size
    return chosen


def to_logits(rows: Tensor, family: Family) -> Tensor:
    """Undo the sigmoid of a head that returns probabilities, bounded at float32's resolution."""
    if not family.probabilities:
        return rows
    return torch.logit(rows.float(), eps=torch.finfo(torch.float32).eps)


def check_maps(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> None:
    """Refuse maps of other images, levels or sizes.

    Raises:
        ValueError: says both.
    """
    ours, theirs = ([(len(m), *m.shape[-2:]) for m in maps] for maps in (student, teacher))
    if ours != theirs:
        raise ValueError(
            f'the class maps (images, height, width) per level differ: student {ours}, teacher '
            f'{theirs}. Rows can only be matched place by place; use a teacher with the same '
            'strides and levels'
        )


def check_priors(student: nn.Module, teacher: nn.Module) -> None:
    """Refuse heads whose row i of level l is not the same prior of the same cell.

    Args:
        student: head.
        teacher: head.

    Raises:
        ValueError: says in which of levels, strides, priors per cell, anchors or background
            column they differ, with both values.
    """
    ours = _described(student, f"student's {type(student).__name__}")
    theirs = _described(teacher, f"teacher's {type(teacher).__name__}")
    for what, value in ours.items():
        other = theirs[what]
        if value != other:
            if isinstance(value, list) and isinstance(other, list):
                level = [a == b for a, b in zip(value, other, strict=True)].index(False)
                what, value, other = f'{what} of level {level}', value[level], other[level]
            raise ValueError(
                f"{what} differ: {value} in the student's {type(student).__name__}, {other} in the "
                f"teacher's {type(teacher).__name__}. Rows can only be matched one to one; use a "
                'teacher whose head is configured alike'
            )


def _described(head: Any, name: str) -> dict[str, Any]:
    """What decides where a row lies, in the order in which differences are worth telling."""
    generator = getattr(head, 'prior_generator', None)
    if generator is None:
        raise ValueError(f'the {name} has no prior_generator: the places of its rows are unknown')
    anchors = getattr(generator, 'base_anchors', None)
    offset = getattr(generator, 'center_offset', getattr(generator, 'offset', None))
    return {
        'levels': len(generator.strides),
        'strides': [tuple(stride) for stride in generator.strides],
        'priors per cell': list(generator.num_base_priors),
        'kinds of priors': 'points' if anchors is None else 'anchors',
        'centre offsets': offset,
        'anchors (x1, y1, x2, y2)': anchors
        and [[tuple(round(x, 2) for x in box) for box in level.tolist()] for level in anchors],
        'numbers of extra columns (background)': head.cls_out_channels - head.num_classes,
    }
