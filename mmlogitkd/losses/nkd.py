"""Normalised knowledge distillation (Yang et al., ICCV 2023, arXiv 2303.13005)."""

from torch import Tensor

from mmlogitkd.functional import ClosedForm, nkd_loss
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss


@MODELS.register_module()
class NKDLoss(LogitLoss):
    """-p_t[y] · log p_s[y] - gamma · T² · (cross-entropy of the normalised other classes).

    Both terms are cross-entropies, so the value is not 0 where the student equals the teacher.
    The label's class is left out of the second term; the code of SDD's authors keeps it in there
    by a fault.

    Args:
        gamma: Weight of the other classes' term; the paper's 1.5.
        temperature: T of that term alone.
        loss_weight: Multiplies the reduced loss.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; shapes or values do not fit; the labels
            are missing or soft; there is only one class.

    Example:
        >>> import torch
        >>> loss = NKDLoss()
        >>> loss(torch.zeros(1, 3), torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([0]))
        tensor(1.7706)
    """

    needs_target = True

    def __init__(
        self,
        gamma: float = 1.5,
        temperature: float = 1.0,
        loss_weight: float = 1.0,
        reduction: str = 'mean',
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.gamma = arguments.number('gamma', gamma)
        self.temperature = arguments.number('temperature', temperature, positive=True)

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give that of :func:`mmlogitkd.functional.nkd_loss`."""
        assert target is not None
        return nkd_loss.form(student, teacher, target, self.gamma, self.temperature)
