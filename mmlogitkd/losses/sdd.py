"""Scale decoupled distillation (Wei, Luo, Luo, CVPR 2024, arXiv 2403.13512)."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from mmlogitkd.functional import sdd_loss
from mmlogitkd.registry import MODELS

from . import arguments, checks
from .base import LogitLoss
from .build import build_base


@MODELS.register_module()
class SDDLoss(LogitLoss):
    """Any per-row loss on every cell of the image, averaged over the cells with weights.

    A cell weighs ``beta`` where exactly one of the teacher's answers, its own and the global one,
    is the label, else 1. The mean over cells follows the authors' code; the paper's equation is a
    sum, R times larger. The base sees one cell of the batch at a time (its batch statistics are
    per cell), its own ``loss_weight`` multiplies, and row weights apply after the mean over cells.

    Args:
        base: Config of a per-row loss, or the loss.
        scales: The grids m × m that the adapter pools the feature map into, R = sum of m²;
            (1, 2, 4) for pairs of different architecture, (1, 2) for similar ones. Adapters
            without a grid bring their own R.
        beta: Weight of the complementary cells; the paper's 2.
        loss_weight: Multiplies the reduced loss.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; the base has no value per row; the logits
            have no regions; shapes or values do not fit; the labels are missing. Soft labels count
            by their largest score; a base that needs labels refuses them.

    Example:
        >>> import torch
        >>> loss = SDDLoss(base=dict(type='mmlogitkd.KDLoss', temperature=1.0), scales=(1, 2))
        >>> student, teacher = torch.zeros(1, 2, 5), torch.tensor([[2.0, 0.0]])
        >>> loss(student, teacher.unsqueeze(-1).expand(1, 2, 5), torch.tensor([0]))
        tensor(0.3278)
    """

    needs_target = True

    def __init__(
        self,
        base: dict[str, Any] | LogitLoss,
        scales: Sequence[int] = (1, 2, 4),
        beta: float = 2.0,
        loss_weight: float = 1.0,
        reduction: str = 'mean',
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.base = build_base('SDDLoss', base)
        if not self.base.per_row:
            raise ValueError(
                f'SDDLoss weighs the rows of every cell, and its base {type(self.base).__name__} '
                'has no value per row; use a per-row base such as KDLoss, DKDLoss or LDRLDLoss'
            )
        self.activation = self.base.activation
        self.scales = arguments.sequence('scales', scales)
        for scale in self.scales:
            arguments.count('every entry of scales', scale)
        if self.scales[0] != 1:
            raise ValueError(
                f'scales must begin with 1, the global cell, got {scales}; for instance (1, 2, 4)'
            )
        self.beta = arguments.number('beta', beta)

    def check_target(self, student: Tensor, target: Tensor | None) -> None:
        """Take indices (N,) and scores (N, C); the base may take less."""
        checks.target('SDDLoss', student, target, soft=True)
        self.base.check_target(student, target)

    def compute(
        self, student: Tensor, teacher: Tensor, target: Tensor | None, weight: Tensor | None
    ) -> Tensor:
        """Give the base's rows, averaged over the cells."""
        assert target is not None
        if target.is_floating_point():
            target = target.argmax(-1)  # (N, C) -> (N,)
        student, teacher = student.permute(2, 0, 1), teacher.permute(2, 0, 1)  # -> (R, N, C)
        cells = self.base.loss_weight * self.base.compute(student, teacher, target, weight)
        return sdd_loss(cells, teacher, target, self.beta)
