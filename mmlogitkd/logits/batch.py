"""What an adapter hands to the losses: rows of logits with what belongs to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

__all__ = ['LogitBatch']

Regions = Callable[[tuple[int, ...]], tuple[Tensor, Tensor]]


@dataclass
class LogitBatch:
    """The matched logits of one training step.

    Attributes:
        student: (N, C), with gradient.
        teacher: (N, C), without.
        target: (N,) class indices, (N, C) soft labels, or None where the rows have no label.
        weight: (N,) or None.
        avg_factor: what the task loss divides by, None for the number of rows.
        regions: from ``scales`` to the two (N, C, R) tensors of region logits, region 0 the global
            one; None where the source has no regions. Asked for at most once per ``scales``.
        masked: whether rows of weight 0 are rows that were left out, so that a loss without row
            weights cannot be used.
        prefix: what stands before the names of the terms, such as ``'s0.'`` for a stage.
        loss_weight: multiplies the terms, as the stage's weight multiplies its task loss.
    """

    student: Tensor
    teacher: Tensor
    target: Tensor | None = None
    weight: Tensor | None = None
    avg_factor: float | Tensor | None = None
    regions: Regions | None = None
    masked: bool = False
    prefix: str = ''
    loss_weight: float = 1.0
    _pooled: dict[tuple[int, ...], tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.student.shape != self.teacher.shape:
            raise ValueError(
                f'student logits {tuple(self.student.shape)} and teacher logits '
                f'{tuple(self.teacher.shape)} differ in shape: both must score the same rows over '
                'the same classes; use a teacher with the same number of classes'
            )

    def logits(self, scales: tuple[int, ...] | None) -> tuple[Tensor, Tensor]:
        """Return what a loss with these ``scales`` compares: (N, C), or (N, C, R) with regions.

        Raises:
            ValueError: regions are wanted and the source has none.
        """
        if scales is None:
            return self.student, self.teacher
        if self.regions is None:
            raise ValueError(
                f'a loss asks for region logits at scales={scales}, but this source of logits has '
                'no regions; use a loss over whole rows'
            )
        if scales not in self._pooled:
            self._pooled[scales] = self.regions(scales)
        return self._pooled[scales]

    def weights(self, per_row: bool) -> Tensor | None:
        """Return what a loss takes as row weights: (N,), or None if it has no value per row.

        Raises:
            ValueError: rows were left out by weight, and the loss cannot apply weights.
        """
        if per_row:
            return self.weight
        if self.masked:
            raise ValueError(
                'rows are left out by a weight of 0 here, and a loss over the whole batch (DIST, '
                'MLKD) cannot apply row weights: keep all rows (RoIHeadLogits with '
                'background=True), leave them out by index (DenseHeadLogits with compact=True), or '
                'use a per-row loss'
            )
        return None
