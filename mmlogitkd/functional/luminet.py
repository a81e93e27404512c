"""LumiNet, perception-driven logit calibration (Hossain et al., TMLR 2025, arXiv 2310.03669)."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from .closed_form import full_precision
from .common import softmax_kl


class _SumRanks(torch.autograd.Function):
    """Sum over ranks; every rank's loss depends on the sum, so its gradient is a sum too."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        value = value.clone()
        dist.all_reduce(value)
        return value

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        grad = grad.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(grad)
        return grad


def _sum_rows(values: Tensor, sync: bool) -> Tensor:
    total = values.sum(-2, keepdim=True)  # (..., N, C) -> (..., 1, C)
    if sync and dist.is_available() and dist.is_initialized():
        total = _SumRanks.apply(total)
    return total


def perception(
    logits: Tensor, eps: float = 1e-5, mask: Tensor | None = None, sync_stats: bool = False
) -> Tensor:
    """Standardise every class over the batch: (z - mean) / sqrt(var + eps), biased variance.

    Args:
        logits: (..., N, C), float32 or above.
        eps: Added to the variance, in squared logits.
        mask: Rows (N,) that count in the statistics, bool; all without it.
        sync_stats: Take the statistics over the rows of all ranks, with gradient.

    Returns:
        (..., N, C); with all rows counted no entry exceeds sqrt(N - 1).
    """
    if mask is None and not sync_stats and logits.size(-2) > 1:
        return _standardised_columns(logits, eps)
    if mask is None:
        mask = torch.ones(logits.size(-2), device=logits.device, dtype=torch.bool)
    keep = mask.unsqueeze(-1).to(logits.dtype)  # (N,) -> (N, 1)
    count = _sum_rows(keep, sync_stats).clamp(min=1)
    # Large logits leave a rounding error in their mean that sqrt(eps) does not dwarf; the mean of
    # the differences from it does not.
    centred = logits - _sum_rows(keep * logits.detach(), sync_stats) / count
    centred = centred - _sum_rows(keep * centred, sync_stats) / count
    variance = _sum_rows(keep * centred.square(), sync_stats) / count
    return centred * (variance + eps).rsqrt()


def _standardised_columns(logits: Tensor, eps: float) -> Tensor:
    """The same over all rows: batch normalisation without weights, in torch's own kernels.

    They compute x / std - mean / std, so the mean is taken off before, as a constant.
    """
    centred = logits - logits.detach().mean(-2, keepdim=True)
    rows = centred.movedim(-2, 0)  # (..., N, C) -> (N, ..., C), which then are the channels
    cudnn = torch.backends.cudnn.enabled
    flat = torch.batch_norm(rows.flatten(1), None, None, None, None, True, 0.0, eps, cudnn)
    return flat.view(rows.shape).movedim(0, -2)


@full_precision
def luminet_loss(
    student: Tensor,
    teacher: Tensor,
    alpha: float = 33.0,
    temperature: float = 4.0,
    eps: float = 1e-5,
    mask: Tensor | None = None,
    sync_stats: bool = False,
) -> Tensor:
    """alpha² · KL(softmax(P(teacher) / T) || softmax(P(student) / T)), per row.

    P standardises every class over the batch, each model with its own statistics; the gradient
    flows through the student's. The factor is alpha², not T². A batch of one row has P = 0 and so
    the value 0.

    Args:
        student: Logits (..., N, C); the batch is N, leading dimensions have their own statistics.
        teacher: Logits (..., N, C).
        alpha: Square root of the weight.
        temperature: T.
        eps: Added to the variance, in squared logits.
        mask: Rows (N,) that count in the statistics, bool; all without it.
        sync_stats: Take the statistics over the rows of all ranks (ours; the authors' are local).

    Returns:
        (..., N), float32 or above.

    Example:
        >>> import torch
        >>> student = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
        >>> luminet_loss(student, student.flip(1), alpha=1.0, temperature=1.0)
        tensor([0.4621, 0.4621])
    """
    perceived = perception(student, eps, mask, sync_stats)
    expected = perception(teacher, eps, mask, sync_stats)
    return softmax_kl(perceived, expected, temperature, factor=alpha**2)
