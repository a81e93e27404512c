"""Transformed teacher matching and its weighted form (Zheng, Yang, ICLR 2024, arXiv 2402.11148)."""

from torch import Tensor

from mmlogitkd.functional import ClosedForm, ttm_loss, wttm_loss
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss


@MODELS.register_module()
class TTMLoss(LogitLoss):
    """KL(normalised p_t^gamma || p_s): temperature for the teacher only, and no T².

    Args:
        gamma: Power of the teacher's probabilities; 0.1 for R32x4-R8x4 on CIFAR-100.
        loss_weight: Multiplies the reduced loss; published with 100 for that pair.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; shapes or values do not fit.

    Example:
        >>> import torch
        >>> loss = TTMLoss(gamma=0.5)
        >>> loss(torch.zeros(1, 2), torch.tensor([[4.0, 0.0]]))
        tensor(0.3278)
    """

    def __init__(
        self, gamma: float = 0.1, loss_weight: float = 1.0, reduction: str = 'mean'
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.gamma = arguments.number('gamma', gamma, positive=True)

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give that of :func:`mmlogitkd.functional.ttm_loss`."""
        return ttm_loss.form(student, teacher, self.gamma)


@MODELS.register_module()
class WTTMLoss(TTMLoss):
    """TTM with every row weighted by the sum over c of p_t[c]^gamma.

    Args:
        gamma: Power of the teacher's probabilities; 0.1 for R32x4-R8x4 on CIFAR-100, 0.8 for
            ResNet18 and 0.7 for MobileNet on ImageNet.
        loss_weight: Multiplies the reduced loss; published with 3, 1.6 and 3.5 for these.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; shapes or values do not fit.

    Example:
        >>> import torch
        >>> loss = WTTMLoss(gamma=0.5)
        >>> loss(torch.zeros(1, 2), torch.tensor([[4.0, 0.0]]))
        tensor(0.3688)
    """

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give that of :func:`mmlogitkd.functional.wttm_loss`."""
        return wttm_loss.form(student, teacher, self.gamma)
