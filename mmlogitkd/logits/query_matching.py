"""Which query of the teacher belongs to which of the student, in one image."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

__all__ = ['Queries', 'assigned_labels', 'class_scores', 'pair_queries']


class Queries(NamedTuple):
    """What one decoder layer predicts for one image.

    Attributes:
        logits: (Q, channels), background last where the head has such a column.
        boxes: (Q, 4), centre, width and height as fractions of the image.
    """

    logits: Tensor
    boxes: Tensor


def pair_queries(
    assigner: Any,
    student: Queries,
    teacher: Queries,
    sample: Any,
    limit: int,
    background: bool,
    objects: bool,
    rest: bool,
) -> tuple[Tensor, Tensor]:
    """Match queries one to one with mmdet's Hungarian assigner.

    Two queries of the same annotated object belong together, by the student's assigner on each
    model's own predictions. Otherwise the teacher's predictions take the place of the annotations:
    a query's likeliest column as the label, its box as the box; the pairs have the least summed
    cost. Where both predict the same, no pairing costs less than every query with itself.

    Args:
        assigner: the student's.
        student: its queries.
        teacher: its queries, columns ordered as the student's.
        sample: the image's data sample.
        limit: how many of the teacher's queries take part, those with the highest class scores.
        background: whether the last column is background.
        objects: pair the queries of the same object first.
        rest: pair the others by their predictions.

    Returns:
        indices (P,) of the student's and (P,) of the teacher's queries.
    """
    meta = sample.metainfo
    chosen = _best(teacher.logits, limit, background)
    ours = _instances(student, meta)
    theirs = _instances(Queries(teacher.logits[chosen], teacher.boxes[chosen]), meta)
    first = second = chosen.new_zeros(0)
    if objects:
        annotated = sample.gt_instances
        first, second = _both(
            _owners(_assign(assigner, ours, annotated, meta), len(annotated)),
            _owners(_assign(assigner, theirs, annotated, meta), len(annotated)),
            len(annotated) <= min(len(ours), len(theirs)),
        )
    if rest:
        free, others = _free(len(ours), first), _free(len(theirs), second)
        wanted, offered = theirs[others], ours[free]
        labels = wanted.scores.argmax(dim=1)
        pseudo = InstanceData(bboxes=wanted.bboxes.float(), labels=labels)
        offered = InstanceData(scores=offered.scores.float(), bboxes=offered.bboxes.float())
        owner = _owners(_assign(assigner, offered, pseudo, meta), len(pseudo))
        taken, given = _both(
            owner, torch.arange(len(owner), device=owner.device), len(pseudo) <= len(offered)
        )
        first = torch.cat([first, free[taken]])
        second = torch.cat([second, others[given]])
    return first, chosen[second]


def assigned_labels(assigner: Any, student: Queries, sample: Any, num_classes: int) -> Tensor:
    """Labels (Q,) that the assigner gives the queries of an image, ``num_classes`` for none."""
    annotated, meta = sample.gt_instances, sample.metainfo
    found = _assign(assigner, _instances(student, meta), annotated, meta)
    return torch.cat([annotated.labels.new_tensor([num_classes]), annotated.labels])[found]


def class_scores(logits: Tensor, background: bool) -> Tensor:
    """The score of each row's likeliest class, to rank rows by: (..., channels) to (...)."""
    return (logits.softmax(-1)[..., :-1] if background else logits).amax(-1)


def _best(logits: Tensor, limit: int, background: bool) -> Tensor:
    """Indices of the rows with the highest class scores, all in their order if there is room."""
    if len(logits) <= limit:
        return torch.arange(len(logits), device=logits.device)
    return class_scores(logits, background).topk(limit).indices


def _instances(queries: Queries, meta: dict) -> InstanceData:
    """Predictions as the assigner takes them: boxes as corners in pixels."""
    height, width = meta['img_shape'][:2]
    x, y, w, h = queries.boxes.unbind(-1)
    left, right = (x - 0.5 * w) * width, (x + 0.5 * w) * width
    upper, lower = (y - 0.5 * h) * height, (y + 0.5 * h) * height
    boxes = torch.stack([left, upper, right, lower], dim=-1)
    return InstanceData(scores=queries.logits, bboxes=boxes)


def _assign(assigner: Any, predictions: InstanceData, targets: Any, meta: dict) -> Tensor:
    """For each prediction (Q,) the number of its target, counted from 1, or 0."""
    try:
        found = assigner.assign(pred_instances=predictions, gt_instances=targets, img_meta=meta)
    except ValueError as error:  # SciPy's, of a cost that is no number
        raise RuntimeError(
            f"queries cannot be matched ({error}): the student's or the teacher's scores or boxes "
            'are not finite'
        ) from error
    return found.gt_inds


def _owners(found: Tensor, targets: int) -> Tensor:
    """For each target (targets,) the index of its prediction, -1 for none."""
    owner = found.new_full((targets + 1,), -1)
    owner[found] = torch.arange(len(found), device=found.device)  # entry 0 belongs to no target
    return owner[1:]


def _both(first: Tensor, second: Tensor, complete: bool) -> tuple[Tensor, Tensor]:
    """Leave out targets that a side has no prediction for; ``complete``: there are none."""
    if complete:
        return first, second
    kept = (first >= 0) & (second >= 0)
    return first[kept], second[kept]


def _free(count: int, taken: Tensor) -> Tensor:
    """Indices below ``count`` that are not in ``taken``, in order, without asking the device."""
    used = torch.zeros(count, dtype=torch.uint8, device=taken.device)
    used[taken] = 1
    return used.argsort(stable=True)[: count - len(taken)]
