"""What the columns of a one-stage detector's class scores are, for student and teacher alike."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..teacher import Teacher

__all__ = ['activation_of', 'select_columns']


def activation_of(head: Any) -> str:
    """``'softmax'`` or ``'sigmoid'``, how the head turns logits into predictions.

    Raises:
        ValueError: its classification loss brings an activation of its own.
    """
    if getattr(head.loss_cls, 'custom_activation', False):
        raise ValueError(
            f'{type(head.loss_cls).__name__} brings its own activation and columns, which are '
            'neither a softmax nor a sigmoid over the classes; use another classification loss'
        )
    return 'sigmoid' if getattr(head.loss_cls, 'use_sigmoid', False) else 'softmax'


def select_columns(teacher: Teacher, rows: Tensor, background: bool) -> Tensor:
    """Order the columns of (N, channels) as the student's classes; background stays the last."""
    if not background:
        return teacher.select_classes(rows)
    return torch.cat([teacher.select_classes(rows[:, :-1]), rows[:, -1:]], dim=1)
