"""DIST: distillation from a stronger teacher (Huang et al., NeurIPS 2022, arXiv 2205.10536)."""

from torch import Tensor

from mmlogitkd.functional import ClosedForm, dist_loss
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss


@MODELS.register_module()
class DISTLoss(LogitLoss):
    """T² · (beta · (1 - mean over rows of r) + gamma · (1 - mean over classes of r)).

    r is the Pearson correlation of the softmaxes at T, over the classes of a row in the first term
    and over the batch for a class in the second. The second couples the rows, so there is no value
    per row: ``weight`` and 'none' are refused, 'sum' is the batch mean times N. It is no
    divergence: 1e-8 in r's denominator keeps it above 0 where the student equals the teacher.

    Args:
        beta: Weight of the rows' term.
        gamma: Weight of the classes' term.
        temperature: T; 1 on ImageNet, 4 on CIFAR-100.
        loss_weight: Multiplies the reduced loss; published with 2.
        reduction: 'mean' or 'sum'.

    Raises:
        ValueError: An argument is outside its legal set; ``weight`` or 'none' came; shapes or
            values do not fit.

    Example:
        >>> import torch
        >>> loss = DISTLoss()
        >>> loss(torch.eye(2), torch.eye(2).flip(1))
        tensor(4.)
    """

    per_row = False

    def __init__(
        self,
        beta: float = 1.0,
        gamma: float = 1.0,
        temperature: float = 1.0,
        loss_weight: float = 1.0,
        reduction: str = 'mean',
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.beta = arguments.number('beta', beta)
        self.gamma = arguments.number('gamma', gamma)
        self.temperature = arguments.number('temperature', temperature, positive=True)

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give that of :func:`mmlogitkd.functional.dist_loss`."""
        return dist_loss.form(student, teacher, self.beta, self.gamma, self.temperature)
