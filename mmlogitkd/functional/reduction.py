"""The one place where rows become a loss, with mmdet's meaning of every argument."""

import torch
from torch import Tensor

REDUCTIONS = ('none', 'mean', 'sum')


def _average(total: Tensor, reduction: str, avg_factor: float | Tensor) -> Tensor:
    if reduction != 'mean':
        raise ValueError(
            f"avg_factor has no meaning with reduction={reduction!r}; use 'mean', or no avg_factor"
        )
    # mmdet's guard: an image without positives has avg_factor 0
    return total / (avg_factor + torch.finfo(torch.float32).eps)


def reduce_rows(
    rows: Tensor,
    weight: Tensor | None = None,
    reduction: str = 'mean',
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    """Weight the rows, then reduce them.

    Args:
        rows: Losses (N,).
        weight: Row weights (N,); they scale the rows and do not change the divisor.
        reduction: 'none', 'mean' or 'sum'.
        avg_factor: Divides the sum in place of N under 'mean'; ignored under 'none'.

    Returns:
        (N,) under 'none', else a scalar. No rows give a differentiable 0.

    Raises:
        ValueError: ``avg_factor`` came with 'sum'.

    Example:
        >>> import torch
        >>> reduce_rows(torch.tensor([1.0, 2.0]), weight=torch.tensor([1.0, 0.0]))
        tensor(0.5000)
    """
    if weight is not None:
        rows = rows * weight
    if reduction == 'none':
        return rows
    if avg_factor is not None:
        return _average(rows.sum(), reduction, avg_factor)
    # the mean of no rows would be NaN
    return rows.mean() if reduction == 'mean' and rows.numel() else rows.sum()


def reduce_batch(
    value: Tensor, num_rows: int, reduction: str = 'mean', avg_factor: float | Tensor | None = None
) -> Tensor:
    """The same for a loss that exists only as a mean over the batch.

    Args:
        value: The batch mean, a scalar.
        num_rows: N; under 'sum' the value is multiplied by it.
        reduction: 'mean' or 'sum'.
        avg_factor: Divides value · N under 'mean'.

    Returns:
        A scalar.

    Raises:
        ValueError: ``reduction`` is 'none', or ``avg_factor`` came with 'sum'.
    """
    if reduction == 'none':
        raise ValueError(
            "reduction 'none' asks for one value per row, and this loss has none: its terms couple "
            "the rows of the batch; use 'mean' or 'sum'"
        )
    if avg_factor is not None:
        return _average(value * num_rows, reduction, avg_factor)
    return value * num_rows if reduction == 'sum' else value
