"""What the distiller asks of an adapter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from ..teacher import Teacher
from .batch import LogitBatch

__all__ = ['LogitSource']


class LogitSource(Protocol):
    """Taps a student and matches its logits with the teacher's, step by step."""

    prefixes: tuple[str, ...]
    """What may stand before the names of the terms: ``('',)``, or one entry per stage."""

    def attach(self, student: nn.Module, with_regions: bool = False) -> str:
        """Install the taps; return ``'softmax'`` or ``'sigmoid'``."""

    def detach(self) -> None:
        """Remove the taps."""

    def arm(self) -> None:
        """Start recording; called as the student's forward pass begins."""

    def collect(
        self, teacher: Teacher, inputs: Tensor, data_samples: Sequence[Any]
    ) -> LogitBatch | list[LogitBatch]:
        """Match the student's records with the teacher's answer to the same images."""
