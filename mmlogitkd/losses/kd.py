"""Knowledge distillation (Hinton, Vinyals, Dean, 2015, arXiv 1503.02531)."""

from torch import Tensor

from mmlogitkd.functional import ClosedForm, kd_loss
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss


@MODELS.register_module()
class KDLoss(LogitLoss):
    """T² · KL(softmax(teacher / T) || softmax(student / T)) over the classes.

    Args:
        temperature: T; 4 in the CIFAR-100 tables, 1 on ImageNet.
        loss_weight: Multiplies the reduced loss; 0.9 beside a task weight of 0.1 in the CIFAR-100
            tables, 0.5 beside 0.5 on ImageNet.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; shapes or values do not fit.

    Example:
        >>> import torch
        >>> loss = KDLoss(temperature=1.0)
        >>> loss(torch.zeros(1, 2), torch.tensor([[2.0, 0.0]]))
        tensor(0.3278)
    """

    def __init__(
        self, temperature: float = 4.0, loss_weight: float = 1.0, reduction: str = 'mean'
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.temperature = arguments.number('temperature', temperature, positive=True)

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give that of :func:`mmlogitkd.functional.kd_loss`."""
        return kd_loss.form(student, teacher, self.temperature)
