"""Multi-level logit distillation (Jin, Wang, Lin, CVPR 2023)."""

from collections.abc import Sequence

from torch import Tensor

from mmlogitkd.functional import ClosedForm, mlkd_loss
from mmlogitkd.registry import MODELS

from . import arguments
from .base import LogitLoss


@MODELS.register_module()
class MLKDLoss(LogitLoss):
    """Instances, batch and classes matched at several temperatures.

    Summed over T: T² · mean KL of the rows + |p_s p_sᵀ - p_t p_tᵀ|² / N + |p_sᵀ p_s - p_tᵀ p_t|²
    / C. The authors' code multiplies by masks of confidence that only rescale; they are left out,
    as is its second, strongly augmented view. The Gram terms couple the rows, so there is no value
    per row: ``weight`` and 'none' are refused, 'sum' is the batch mean times N.

    Args:
        temperatures: The T; the authors' five.
        loss_weight: Multiplies the reduced loss.
        reduction: 'mean' or 'sum'.

    Raises:
        ValueError: An argument is outside its legal set; ``weight`` or 'none' came; shapes or
            values do not fit.

    Example:
        >>> import torch
        >>> loss = MLKDLoss(temperatures=(1,))
        >>> loss(torch.zeros(1, 2), torch.tensor([[2.0, 0.0]]))
        tensor(0.5990)
    """

    per_row = False

    def __init__(
        self,
        temperatures: Sequence[float] = (2, 3, 4, 5, 6),
        loss_weight: float = 1.0,
        reduction: str = 'mean',
    ) -> None:
        super().__init__(loss_weight, reduction)
        self.temperatures = arguments.sequence('temperatures', temperatures)
        for temperature in self.temperatures:
            arguments.number('every entry of temperatures', temperature, positive=True)

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Give that of :func:`mmlogitkd.functional.mlkd_loss`."""
        return mlkd_loss.form(student, teacher, self.temperatures)
