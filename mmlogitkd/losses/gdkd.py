"""Generalised decoupled knowledge distillation (Zheng, Cheng, TNNLS 2025, arXiv 2512.04625)."""

from torch import Tensor

from mmlogitkd.functional import ClosedForm, gdkd_loss
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss


@MODELS.register_module()
class GDKDLoss(LogitLoss):
    """T² · (w0 · KL of the parts' mass + w1 · KL in the top k + w2 · KL in the rest).

    The teacher's k highest classes are one part, the other classes the second; labels play no part.

    Args:
        topk: k.
        w0: Weight of the two parts' mass.
        w1: Weight inside the top k.
        w2: Weight inside the rest.
        temperature: T.
        loss_weight: Multiplies the reduced loss.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; ``topk`` exceeds the number of classes;
            shapes or values do not fit.

    Example:
        >>> import torch
        >>> loss = GDKDLoss(topk=1, temperature=1.0)
        >>> loss(torch.zeros(1, 3), torch.tensor([[2.0, 1.0, 0.0]]))
        tensor(1.1166)
    """

    def __init__(
        self,
        topk: int = 5,
        w0: float = 1.0,
        w1: float = 2.0,
        w2: float = 8.0,
        temperature: float = 4.0,
        loss_weight: float = 1.0,
        reduction: str = 'mean',
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.topk = arguments.count('topk', topk)
        self.w0 = arguments.number('w0', w0)
        self.w1 = arguments.number('w1', w1)
        self.w2 = arguments.number('w2', w2)
        self.temperature = arguments.number('temperature', temperature, positive=True)

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give that of :func:`mmlogitkd.functional.gdkd_loss`."""
        return gdkd_loss.form(
            student, teacher, self.topk, self.w0, self.w1, self.w2, self.temperature
        )
