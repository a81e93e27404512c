"""Logit standardisation (Sun et al., CVPR 2024, arXiv 2403.01427)."""

from typing import Any

from torch import Tensor

from mmlogitkd.functional import ClosedForm, standardize
from mmlogitkd.functional.standardize import standardized
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss
from .build import build_base


@MODELS.register_module()
class StandardizedLoss(LogitLoss):
    """Any loss on (z - mean) / (std + eps), every row standardised over its classes.

    The standard deviation is the unbiased one. LumiNet standardises over the other axis. Whether
    there are rows and labels is the base's matter; the base's own ``loss_weight`` multiplies.

    Args:
        base: Config of a loss on (N, C) logits, or the loss; published with KD at T = 2, weight 9.
        eps: Added to the standard deviation.
        loss_weight: Multiplies the reduced loss.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; there is only one class; shapes, values
            or labels do not fit the base.

    Example:
        >>> import torch
        >>> loss = StandardizedLoss(base=dict(type='mmlogitkd.KDLoss', temperature=2.0))
        >>> loss(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[30.0, 50.0, 40.0]]))
        tensor(0.3986)
    """

    def __init__(
        self,
        base: dict[str, Any] | LogitLoss,
        eps: float = 1e-7,
        loss_weight: float = 1.0,
        reduction: str = 'mean',
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.base = build_base('StandardizedLoss', base)
        self.per_row = self.base.per_row
        self.needs_target = self.base.needs_target
        self.activation = self.base.activation
        arguments.reduction(reduction, self.per_row)
        self.eps = arguments.number('eps', eps, positive=True)

    def check_target(self, student: Tensor, target: Tensor | None) -> None:
        """Leave the labels to the base."""
        self.base.check_target(student, target)

    def is_closed_form(self) -> bool:
        """Be one where the base is."""
        return type(self).compute is StandardizedLoss.compute and self.base.is_closed_form()

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give the base's for standardised logits."""
        ours, theirs = standardized(student, self.eps), standardized(teacher, self.eps)
        found = self.base.form(ours.logits, theirs.logits, target).times(self.base.loss_weight)
        return found._replace(gradient=ours.pull_back(found.gradient))

    def compute(
        self, student: Tensor, teacher: Tensor, target: Tensor | None, weight: Tensor | None
    ) -> Tensor:
        """Give what the base gives for standardised logits."""
        if self.is_closed_form():
            return super().compute(student, teacher, target, weight)
        student, teacher = standardize(student, self.eps), standardize(teacher, self.eps)
        return self.base.loss_weight * self.base.compute(student, teacher, target, weight)
