"""Local dense relational logit distillation (Xu et al., ICCV 2025, arXiv 2507.15911)."""

from torch import Tensor

from mmlogitkd.functional import ClosedForm, ldrld_loss
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss


@MODELS.register_module()
class LDRLDLoss(LogitLoss):
    """alpha · (relations among the student's top d classes) + beta · (KL over the other classes).

    The local term is T² times the sum of the two-class divergences of all pairs of ranks i < j,
    weighted by 1 / (eps + j - i) · delta · exp(-decay · (i + j)), and of the KL over the top d as
    a whole, weight 1 (for d = 2 the authors' code gives it the pair's weight). Labels play no part.

    Args:
        depth: d, how many classes the student's ranking keeps; the paper's 7.
        alpha: Weight of the local term; 10.5 belongs to ``average_pairs=True``.
        beta: Weight of the remaining classes' term.
        temperature: T.
        eps: Offset of the inverse rank weight.
        delta: Scale of the exponential rank decay.
        decay: Its rate per rank.
        average_pairs: Divide the local term by d(d - 1)/2 + 1. The authors' code does so, the
            paper's formula shows no divisor.
        loss_weight: Multiplies the reduced loss.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; ``depth`` exceeds the number of classes;
            shapes or values do not fit.

    Example:
        >>> import torch
        >>> loss = LDRLDLoss(depth=2, temperature=1.0)
        >>> loss(torch.tensor([[3.0, 2.0, 1.0]]), torch.tensor([[2.0, 2.0, 2.0]]))
        tensor(1.0648)
    """

    def __init__(
        self,
        depth: int = 7,
        alpha: float = 10.5,
        beta: float = 7.0,
        temperature: float = 4.0,
        eps: float = 1.5,
        delta: float = 2.0,
        decay: float = 0.05,
        average_pairs: bool = True,
        loss_weight: float = 1.0,
        reduction: str = 'mean',
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.depth = arguments.count('depth', depth)
        self.alpha = arguments.number('alpha', alpha)
        self.beta = arguments.number('beta', beta)
        self.temperature = arguments.number('temperature', temperature, positive=True)
        self.eps = arguments.number('eps', eps)
        self.delta = arguments.number('delta', delta)
        self.decay = arguments.number('decay', decay)
        self.average_pairs = arguments.flag('average_pairs', average_pairs)

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give that of :func:`mmlogitkd.functional.ldrld_loss`."""
        return ldrld_loss.form(
            student,
            teacher,
            self.depth,
            self.alpha,
            self.beta,
            self.temperature,
            self.eps,
            self.delta,
            self.decay,
            self.average_pairs,
        )
