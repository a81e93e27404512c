"""Tensors in nested answers, and how far two answers are from each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ['difference', 'tensors_of']


def tensors_of(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in mappings, sequences and dataclasses, in their order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_of(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors_of(part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from tensors_of(getattr(value, field.name))


def difference(reference: Any, answer: Any) -> float:
    """Return how far ``answer`` is from ``reference``, at its worst.

    Args:
        reference: nested tensors.
        answer: the same, computed in another way.

    Returns:
        Over all pairs of tensors, the largest difference as a share of the largest magnitude in
        the reference's tensor; infinite where shapes, numbers of tensors, or non-finite values
        differ.
    """
    ours, theirs = list(tensors_of(reference)), list(tensors_of(answer))
    if [a.shape for a in ours] != [b.shape for b in theirs]:
        return float('inf')
    return max((_relative(a, b) for a, b in zip(ours, theirs, strict=True)), default=0.0)


def _relative(reference: Tensor, answer: Tensor) -> float:
    """The largest difference of two tensors of one shape, relative to the largest magnitude."""
    if torch.equal(reference, answer):
        return 0.0
    share = float((reference - answer).abs().max() / reference.abs().max())
    return share if share == share else float('inf')  # NaN: not comparable, so not equal
