"""Distillation of sigmoid heads (BCKD, Yang et al., ICCV 2023, arXiv 2308.14286)."""

from torch import Tensor

from mmlogitkd.functional import ClosedForm, binary_kd_loss
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss


@MODELS.register_module()
class BinaryKDLoss(LogitLoss):
    """Sum over the classes of |σ(t) - σ(s)|^beta · BCE(σ(s), σ(t)), for sigmoid heads.

    The modulating factor is not detached. The published divisor is the number of positives: give
    it as ``avg_factor``.

    Args:
        beta: Power of the difference, 0 or at least 1: between them the gradient has no bound
            where student and teacher meet.
        loss_weight: Multiplies the reduced loss.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; shapes or values do not fit.

    Example:
        >>> import torch
        >>> loss = BinaryKDLoss()
        >>> loss(torch.zeros(1, 1), torch.tensor([[2.0]]))
        tensor(0.2639)
    """

    activation = 'sigmoid'

    def __init__(
        self, beta: float = 1.0, loss_weight: float = 1.0, reduction: str = 'mean'
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.beta = arguments.number('beta', beta)
        if 0 < beta < 1:
            raise ValueError(
                f'beta must be 0 or at least 1, got {beta}: between them the gradient has no bound '
                'where student and teacher meet'
            )

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give that of :func:`mmlogitkd.functional.binary_kd_loss`."""
        return binary_kd_loss.form(student, teacher, self.beta)
