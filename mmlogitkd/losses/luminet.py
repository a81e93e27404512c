"""LumiNet, perception-driven logit calibration (Hossain et al., TMLR 2025, arXiv 2310.03669)."""

import warnings

from torch import Tensor

from mmlogitkd.functional import luminet_loss
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss


@MODELS.register_module()
class LumiNetLoss(LogitLoss):
    """alpha² · KL(softmax(P(teacher) / T) || softmax(P(student) / T)), alpha² in place of T².

    P standardises every class over the batch: (z - mean) / sqrt(var + eps), biased variance, each
    model with its own statistics. With ``weight`` the statistics run over the rows with a positive
    weight. A batch of one row carries no signal: the loss is 0, said once in a warning.

    Args:
        alpha: Square root of the weight; 33 for R32x4-R8x4 on CIFAR-100 (35 to 75 for other
            pairs), 2 on ImageNet.
        temperature: T; 4 or 8 on CIFAR-100, 0.7 on ImageNet.
        eps: Added to the variance, in squared logits.
        sync_stats: Take the statistics over all ranks, with gradient. Ours; the authors' statistics
            are those of one device.
        loss_weight: Multiplies the reduced loss; warmed up over 20 epochs on CIFAR-100, beside a
            task weight of 2.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; shapes or values do not fit.

    Example:
        >>> import torch
        >>> loss = LumiNetLoss(alpha=1.0, temperature=1.0)
        >>> loss(torch.eye(2), torch.eye(2).flip(1))
        tensor(1.5231)
    """

    def __init__(
        self,
        alpha: float = 33.0,
        temperature: float = 4.0,
        eps: float = 1e-5,
        sync_stats: bool = False,
        loss_weight: float = 1.0,
        reduction: str = 'mean',
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.alpha = arguments.number('alpha', alpha)
        self.temperature = arguments.number('temperature', temperature, positive=True)
        self.eps = arguments.number('eps', eps, positive=True)
        self.sync_stats = arguments.flag('sync_stats', sync_stats)
        self._warned = False

    def compute(
        self, student: Tensor, teacher: Tensor, target: Tensor | None, weight: Tensor | None
    ) -> Tensor:
        """Give the rows of :func:`mmlogitkd.functional.luminet_loss`."""
        if student.size(-2) == 1 and not self.sync_stats and not self._warned:
            self._warned = True
            warnings.warn(
                'LumiNetLoss got a batch of one row: it has no statistics, so the loss is 0 and '
                'gives no signal; use larger batches, or sync_stats=True with several processes',
                stacklevel=2,
            )
        mask = None if weight is None else weight > 0
        return luminet_loss(
            student, teacher, self.alpha, self.temperature, self.eps, mask, self.sync_stats
        )
