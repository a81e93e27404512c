"""The base class of every distillation loss."""

import torch
from torch import Tensor, nn

from mmlogitkd.functional import ClosedForm, differentiable, reduce_batch, reduce_rows
from mmlogitkd.functional.closed_form import in_blocks

from . import arguments, checks


class LogitLoss(nn.Module):
    """A loss on the logits of a student and a teacher.

    Subclasses implement :meth:`form`, or :meth:`compute`. A loss has no parameters and no state.
    ``weight``, ``avg_factor`` and ``reduction`` mean what mmdet's ``weight_reduce_loss`` means by
    them; no rows give a differentiable 0. One with ``per_row = False`` refuses ``weight`` and
    'none', its 'sum' is the batch mean times N.

    Args:
        loss_weight: Multiplies the reduced loss.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: An argument is outside its legal set.
    """

    per_row: bool = True
    """Whether :meth:`compute` gives one value per row, or only a batch mean."""
    needs_target: bool = False
    """Whether labels are needed."""
    activation: str = 'softmax'
    """The kind of head the formula is for: 'softmax' or 'sigmoid'."""
    scales: tuple[int, ...] | None = None
    """Grids whose cells' logits the loss asks for, as (N, C, R); None for plain (N, C)."""

    def __init__(self, loss_weight: float = 1.0, reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight = arguments.number('loss_weight', loss_weight)
        self.reduction = arguments.reduction(reduction, self.per_row)

    def form(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        """Evaluate the formula and its gradient, without ``loss_weight`` and reduction.

        With ``per_row``, the value of a row depends on that row alone: a large batch is evaluated
        in blocks of rows. Losses that autograd differentiates implement :meth:`compute` instead.

        Args:
            student: Logits (..., N, C), without history and in float32 or above.
            teacher: Logits (..., N, C), likewise.
            target: Class indices (N,), or None.
        """
        raise NotImplementedError(f'{type(self).__name__} implements neither form nor compute')

    def compute(
        self, student: Tensor, teacher: Tensor, target: Tensor | None, weight: Tensor | None
    ) -> Tensor:
        """Evaluate the formula, without ``loss_weight``, row weights and reduction.

        Args:
            student: Logits (..., N, C).
            teacher: Logits (..., N, C).
            target: Class indices (N,), or None.
            weight: Row weights (N,), for formulas with statistics over the rows that count.

        Returns:
            (..., N), or the batch mean as a scalar if not ``per_row``.
        """
        return differentiable(student, teacher, lambda s, t: self._evaluated(s, t, target))

    def check_target(self, student: Tensor, target: Tensor | None) -> None:
        """Raise ValueError for labels that the formula cannot use."""
        if self.needs_target:
            checks.target(type(self).__name__, student, target)

    def forward(
        self,
        student: Tensor,
        teacher: Tensor,
        target: Tensor | None = None,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Check, compute, reduce.

        Args:
            student: Logits (N, C), or (N, C, R) where ``scales`` is set.
            teacher: Logits of the same shape; no gradient flows into them.
            target: Labels (N,) int64; ignored by losses that need none.
            weight: Row weights (N,).
            avg_factor: Divides the sum over rows under 'mean'.
            reduction_override: Replaces ``reduction`` for this call.

        Returns:
            A scalar, or (N,) under 'none'; float32 or above.

        Raises:
            ValueError: Shapes, dtypes, devices or labels do not fit; on the CPU also if a value
                is not finite or a label out of range (on other devices the distiller looks, as
                a look costs a synchronisation).
        """
        owner = type(self).__name__
        reduction = arguments.reduction(reduction_override or self.reduction, self.per_row)
        checks.logits(owner, student, teacher, regions=self.scales is not None)
        checks.weights(owner, student, weight, self.per_row)
        self.check_target(student, target)
        plain = weight is None and avg_factor is None and reduction == 'mean'
        if plain and self.is_closed_form() and student.size(0):
            return differentiable(student, teacher, lambda s, t: self._mean(s, t, target))
        self._check_values(student, teacher, target)
        loss = self.compute(student, teacher.detach(), target, weight)
        if self.per_row:
            loss = reduce_rows(loss, weight, reduction, avg_factor)
        else:
            loss = reduce_batch(loss, student.size(0), reduction, avg_factor)
        return loss if self.loss_weight == 1 else self.loss_weight * loss

    def is_closed_form(self) -> bool:
        """Whether :meth:`form` is all that there is to the formula."""
        return type(self).compute is LogitLoss.compute

    def _mean(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        self._check_values(student, teacher, target)
        return self._evaluated(student, teacher, target).mean(self.loss_weight)

    def _evaluated(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> ClosedForm:
        if self.per_row:
            return in_blocks(self.form, student, teacher, target)
        return self.form(student, teacher, target)

    def _check_values(self, student: Tensor, teacher: Tensor, target: Tensor | None) -> None:
        if student.device.type == 'cpu' and not torch.compiler.is_compiling():
            labels = target if self.needs_target else None
            checks.values(type(self).__name__, student, teacher, labels)
