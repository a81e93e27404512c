"""Refined logit distillation (Sun et al., ICCV 2025, arXiv 2408.07703)."""

from torch import Tensor

from mmlogitkd.functional import ClosedForm, rld_loss
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss


@MODELS.register_module()
class RLDLoss(LogitLoss):
    """alpha · A² · KL(confidence) + beta · T² · KL(classes that the teacher puts below the label).

    Confidence is (max p_t, 1 - max p_t) for the teacher and (p_s[y], 1 - p_s[y]) for the student,
    at temperature A: a wrong teacher hands on how sure it is, not which class it prefers.

    Args:
        alpha: Weight of the confidence term.
        beta: Weight of the masked term.
        temperature: T, of the masked term.
        alpha_temperature: A, of the confidence term.
        loss_weight: Multiplies the reduced loss; warmed up over 20 epochs.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set; shapes or values do not fit; the labels
            are missing or soft; there is only one class.

    Example:
        >>> import torch
        >>> loss = RLDLoss(temperature=1.0)
        >>> loss(torch.zeros(1, 3), torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([0]))
        tensor(1.1166)
    """

    needs_target = True

    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 8.0,
        temperature: float = 4.0,
        alpha_temperature: float = 1.0,
        loss_weight: float = 1.0,
        reduction: str = 'mean',
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.alpha = arguments.number('alpha', alpha)
        self.beta = arguments.number('beta', beta)
        self.temperature = arguments.number('temperature', temperature, positive=True)
        self.alpha_temperature = arguments.number(
            'alpha_temperature', alpha_temperature, positive=True
        )

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give that of :func:`mmlogitkd.functional.rld_loss`."""
        assert target is not None
        return rld_loss.form(
            student,
            teacher,
            target,
            self.alpha,
            self.beta,
            self.temperature,
            self.alpha_temperature,
        )
