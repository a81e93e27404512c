"""What the classification loss of each one-stage head of mmdet sees, brought to one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

__all__ = ['FAMILIES', 'Family', 'LossCall', 'TaskRows', 'family_of', 'forward_family', 'task_rows']


@dataclass(frozen=True)
class Family:
    """How a head hands its rows to ``loss_cls``.

    Attributes:
        order: ``'level'``, one call per level; ``'joined'``, one call, level after level; both
            with the rows of a level in the order (image, height, width, prior); ``'image'``, one
            call, image after image; ``'positive'``, one call with the positives of all images.
        divides_after: the divisor is applied to what ``loss_cls`` returns, not given to it.
        probabilities: the class maps hold probabilities, not logits.
    """

    order: str
    divides_after: bool = False
    probabilities: bool = False


# by the class that defines the head's loss; heads that inherit it unchanged belong to it
FAMILIES: dict[str, Family] = dict(
    AnchorHead=Family('level'),  # RetinaHead, RetinaSepBNHead
    FCOSHead=Family('joined'),  # NASFCOSHead
    ATSSHead=Family('level'),
    GFLHead=Family('level'),
    VFNetHead=Family('joined'),
    PAAHead=Family('image'),
    RTMDetHead=Family('level', divides_after=True),  # RTMDetSepBNHead
    TOODHead=Family('level', divides_after=True, probabilities=True),
    YOLOXHead=Family('positive', divides_after=True),
)

_QUERIES = (
    'its rows are queries, not positions: which of the two models belong together has to be found '
    "in every step. logits=dict(type='mmlogitkd.QueryHeadLogits') does, for DETR and its kind"
)
_OTHER_LOSS = (
    'the rows, labels and divisor of its classification loss are not known here, so nothing would '
    'prove that the distilled rows are those it is trained on'
)


def family_of(head: nn.Module) -> Family:
    """Return the family whose loss ``head`` runs.

    Raises:
        ValueError: the loss is of no known family; the message says which class brings it.
    """
    owner = _definer(head, 'loss_by_feat')
    family = FAMILIES.get(owner)
    if family is not None and family.order == 'level':
        owner = _definer(head, 'loss_by_feat_single')
        family = FAMILIES.get(owner)
    if family is not None:
        return family
    name = type(head).__name__
    queries = 'DETRHead' in {base.__name__ for base in type(head).__mro__}
    raise ValueError(
        f'{name} (loss of {owner or name}) cannot be distilled: '
        f'{_QUERIES if queries else _OTHER_LOSS}. Supported are heads with the loss of '
        f'{", ".join(FAMILIES)}, RetinaHead among them; docs/detection.md lists the refused ones'
    )


def forward_family(head: nn.Module) -> Family:
    """Return the family whose class maps ``head`` gives; its own loss does not matter.

    Raises:
        ValueError: no class of the head is of a known family.
    """
    for base in type(head).__mro__:
        if base.__name__ in FAMILIES:
            return FAMILIES[base.__name__]
    raise ValueError(
        f"the teacher's {type(head).__name__} gives no class maps of a known form; use a teacher "
        f'with one of {", ".join(FAMILIES)}, or a head derived from one'
    )


def _definer(head: nn.Module, method: str) -> str:
    """Name of the class that defines ``method`` of ``head``."""
    return next((base.__name__ for base in type(head).__mro__ if method in vars(base)), '')


class LossCall(NamedTuple):
    """The arguments of one call of a classification loss, as mmdet's losses name them."""

    pred: Tensor
    target: Any = None
    weight: Tensor | None = None
    avg_factor: float | Tensor | None = None
    reduction_override: str | None = None


@dataclass
class TaskRows:
    """What the student's own classification loss saw: B images of R rows, over C classes.

    Attributes:
        labels: (B, R) int64, C for background.
        weight: (B, R) label weights, None where the head has none.
        divisor: what the summed loss was divided by.
        scores: (B, R, channels) or, of the positives alone, (P, channels); to be compared with
            the class maps, None where not asked for.
        only: (B, R) bool, the rows that ``scores`` holds, None for all.
    """

    labels: Tensor
    weight: Tensor | None
    divisor: float | Tensor
    scores: Tensor | None
    only: Tensor | None = None


def task_rows(
    family: Family,
    calls: Sequence[LossCall],
    objectness: Sequence[LossCall],
    batch: int,
    sizes: Sequence[int],
    num_classes: int,
    with_scores: bool = False,
) -> TaskRows:
    """Bring the calls of one step to images and rows.

    Args:
        family: of the head.
        calls: of its classification loss.
        objectness: of its objectness loss, for heads that classify positives only.
        batch: B, number of images.
        sizes: rows per level; their sum is R.
        num_classes: C.
        with_scores: also return the scores that the loss was given, which costs a copy.

    Raises:
        RuntimeError: the calls do not fit the class maps.
    """
    if family.order == 'positive':
        return _positive_rows(calls, objectness, batch, sum(sizes), num_classes)
    calls = [call for call in calls if call.reduction_override is None]  # PAA also ranks with it
    seen = [call.pred.size(0) for call in calls]
    expected = [batch * size for size in sizes]
    if family.order != 'level':
        expected = [sum(expected)]
    if seen != expected:
        raise RuntimeError(
            f'the classification loss was called with {seen} rows, but the class maps of {batch} '
            f'images hold {expected}'
        )

    def by_image(values: Sequence[Tensor]) -> Tensor:
        if family.order == 'image':
            return values[0].unflatten(0, (batch, sum(sizes)))
        if family.order == 'joined':
            values = values[0].split([batch * size for size in sizes])
        parts = zip(values, sizes, strict=True)
        return torch.cat([part.unflatten(0, (batch, size)) for part, size in parts], dim=1)

    labels = by_image([_labels(call.target, num_classes) for call in calls])
    weights = [call.weight for call in calls if call.weight is not None]
    return TaskRows(
        labels,
        by_image(weights) if weights else None,
        _divided_after(calls, labels, num_classes) if family.divides_after else _given(calls),
        by_image([call.pred.detach() for call in calls]) if with_scores else None,
    )


def _labels(target: Any, num_classes: int) -> Tensor:
    """Labels of rows from indices, from (indices, quality), or from (rows, C) quality targets."""
    if isinstance(target, tuple):
        return target[0]
    if target.is_floating_point():
        quality, label = target.max(dim=1)
        return torch.where(quality > 0, label, num_classes)
    return target


def _given(calls: Sequence[LossCall]) -> float | Tensor:
    """The one ``avg_factor`` of all calls."""
    factor = calls[0].avg_factor
    if factor is None:
        raise RuntimeError('the classification loss was called without avg_factor')
    return factor.detach() if isinstance(factor, Tensor) else factor


def _divided_after(calls: Sequence[LossCall], labels: Tensor, num_classes: int) -> Tensor:
    """What RTMDet and TOOD divide by: the summed quality of the targets, in mean over ranks.

    TOOD's first epochs have no quality; each positive counts 1 there.
    """
    if isinstance(calls[0].target, tuple):
        total = torch.stack([call.target[1].detach().sum() for call in calls]).sum()
    else:
        total = (labels < num_classes).sum().float()
    return _mean_over_ranks(total)


def _mean_over_ranks(total: Tensor) -> Tensor:
    """Average over ranks, at least 1, as these heads have it."""
    total = total.clone()
    all_reduce(total, op='mean')
    return total.clamp(min=1)


def _positive_rows(
    calls: Sequence[LossCall],
    objectness: Sequence[LossCall],
    batch: int,
    rows: int,
    num_classes: int,
) -> TaskRows:
    """YOLOX: the objectness targets say which rows are positive, the class targets their labels.

    A positive whose box overlaps nothing has a class target of 0: it counts in the divisor, but
    has no label.
    """
    if len(objectness) != 1 or len(calls) > 1 or objectness[0].target.numel() != batch * rows:
        raise RuntimeError(
            f'the head called its objectness loss {len(objectness)} times and its classification '
            f'loss {len(calls)} times; one call with {batch * rows} rows, and at most one, expected'
        )
    positive = objectness[0].target.detach().flatten() > 0
    labels = torch.full_like(positive, num_classes, dtype=torch.long)
    if calls:  # not called where no image has a positive
        position = (positive.cumsum(0) - 1).clamp(min=0)
        labels = torch.where(positive, _labels(calls[0].target, num_classes)[position], labels)
    return TaskRows(
        labels.view(batch, rows),
        None,
        _mean_over_ranks(positive.sum().float()),
        calls[0].pred.detach() if calls else None,
        positive.view(batch, rows),
    )
