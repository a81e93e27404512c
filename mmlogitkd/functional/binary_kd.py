"""Distillation of sigmoid heads (BCKD, Yang et al., ICCV 2023, arXiv 2308.14286)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .common import full_precision, with_gradient


@full_precision
def binary_kd_loss(student: Tensor, teacher: Tensor, beta: float = 1.0) -> Tensor:
    """Sum over c of |σ(t) - σ(s)|^beta · BCE(σ(s), σ(t)), per row.

    The modulating factor is not detached. Published with the number of positives as the divisor,
    which is ``avg_factor``.

    Args:
        student: Logits (..., N, C) of a sigmoid head.
        teacher: Logits (..., N, C) of a sigmoid head.
        beta: Power of the difference, 0 or at least 1.

    Returns:
        (..., N), float32 or above.

    Example:
        >>> import torch
        >>> binary_kd_loss(torch.zeros(1, 1), torch.tensor([[2.0]]))
        tensor([0.2639])
    """
    logits, probs = student.detach(), student.detach().sigmoid()
    absent = (-teacher).sigmoid_()
    bce = F.logsigmoid(logits).neg_().addcmul_(absent, logits)
    gap = torch.sub(probs, teacher.sigmoid(), out=absent)  # the derivative of the cross-entropy
    if beta == 0:
        return with_gradient(student, bce.sum(-1), gap)
    factor = gap.abs() if beta == 1 else gap.abs().pow_(beta)
    value = (factor * bce).sum(-1)
    gradient = factor.mul_(gap)
    # the derivative of the factor is beta · |gap|^(beta - 1) · sign(gap) · p (1 - p)
    slope = bce.mul_(probs.addcmul_(probs, probs, value=-1))
    if beta != 1:
        slope.mul_(gap.abs().pow_(beta - 1))
    gradient.add_(slope.mul_(gap.sign_()), alpha=beta)
    return with_gradient(student, value, gradient)
