"""What a head with queries and its classification loss did in one training step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .dense_families import LossCall
from .query_matching import Queries

__all__ = ['divisor_of', 'labels_of', 'matching_part', 'row_weights']


def matching_part(output: Any, calls: Sequence[LossCall], layers: int) -> Queries:
    """Leave out the denoising queries, which come first and have losses of their own.

    Args:
        output: of the head: class scores (layers, B, Q, channels) and boxes (layers, B, Q, 4).
        calls: of its classification loss; the first ``layers`` are those of the decoder's layers.
        layers: how many the decoder has.

    Returns:
        both with the queries that the loss was given.

    Raises:
        RuntimeError: the calls do not fit the output.
    """
    logits, boxes = output[:2]
    images = logits.size(1)
    sizes = {call.pred.size(0) for call in calls[:layers]}
    size = sizes.pop() if len(sizes) == 1 else 0
    if len(logits) != layers or len(calls) < layers or not size or size % images:
        raise RuntimeError(
            f'the head scored {len(logits)} decoder layers of {images} images and called its '
            f'classification loss with {[call.pred.size(0) for call in calls]} rows; one call for '
            f'each of {layers} layers, with equally many queries of every image, expected first'
        )
    queries = size // images
    return Queries(logits[:, :, -queries:], boxes[:, :, -queries:])


def labels_of(call: LossCall) -> Tensor:
    """Labels from indices or, for quality focal loss, from (indices, quality)."""
    return call.target[0] if isinstance(call.target, tuple) else call.target


def row_weights(head: Any, call: LossCall) -> Tensor | None:
    """Weights that a softmax loss gives its rows by their label; DETR weighs background less."""
    by_class = getattr(head.loss_cls, 'class_weight', None)
    if by_class is None or head.loss_cls.use_sigmoid:
        return call.weight
    labels = labels_of(call)
    by_row = torch.as_tensor(by_class, dtype=torch.float32, device=labels.device)[labels]
    return by_row if call.weight is None else call.weight * by_row


def divisor_of(call: LossCall) -> float | Tensor:
    """The call's ``avg_factor``, which mmdet's mean over ranks leaves as a tensor of one value."""
    factor = call.avg_factor
    if factor is None:
        raise RuntimeError('the classification loss was called without avg_factor')
    return factor.detach().reshape(()) if isinstance(factor, Tensor) else factor
