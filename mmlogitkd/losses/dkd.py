"""Decoupled knowledge distillation (Zhao et al., CVPR 2022, arXiv 2203.08679)."""

from torch import Tensor

from mmlogitkd.functional import ClosedForm, dkd_loss
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss


@MODELS.register_module()
class DKDLoss(LogitLoss):
    """T² · (alpha · TCKD + beta · NCKD): the label's class and the other classes, set apart.

    TCKD is the KL of (p_y, 1 - p_y), NCKD the KL of the softmax over the other C - 1 classes. The
    authors' code takes the logarithm of a softmax and so gives Inf at large logits; this is the
    same formula in log space.

    Args:
        alpha: Weight of TCKD.
        beta: Weight of NCKD; 8 on most CIFAR-100 pairs (2 for R56-R20 and R110-R32, 6 for VGG13
            and WRN40-2 teachers), 0.5 or 2 on ImageNet, 0.25 on COCO.
        temperature: T; 4 on CIFAR-100, 1 on ImageNet and COCO.
        loss_weight: Multiplies the reduced loss; CIFAR-100 warms it up over 20 epochs.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; shapes or values do not fit; the labels
            are missing or soft; there is only one class.

    Example:
        >>> import torch
        >>> loss = DKDLoss(temperature=1.0)
        >>> loss(torch.zeros(1, 3), torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([0]))
        tensor(1.1166)
    """

    needs_target = True

    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 8.0,
        temperature: float = 4.0,
        loss_weight: float = 1.0,
        reduction: str = 'mean',
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.alpha = arguments.number('alpha', alpha)
        self.beta = arguments.number('beta', beta)
        self.temperature = arguments.number('temperature', temperature, positive=True)

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give that of :func:`mmlogitkd.functional.dkd_loss`."""
        assert target is not None
        return dkd_loss.form(student, teacher, target, self.alpha, self.beta, self.temperature)
