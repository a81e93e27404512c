"""Distillation of sigmoid heads (BCKD, Yang et al., ICCV 2023, arXiv 2308.14286)."""

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
    logits, prob_teacher = student.detach(), teacher.sigmoid()
    prob_student = logits.sigmoid()
    bce = F.binary_cross_entropy_with_logits(logits, prob_teacher, reduction='none')
    gap = prob_student - prob_teacher  # the derivative of the cross-entropy
    if beta == 0:
        return with_gradient(student, bce.sum(-1), gap)
    factor = gap.abs() if beta == 1 else gap.abs().pow(beta)
    value = (factor * bce).sum(-1)
    # the derivative of the factor is beta · |gap|^(beta - 1) · sign(gap) · p (1 - p)
    slope = bce.mul_(gap.sign()).mul_(beta * prob_student * (1 - prob_student))
    if beta != 1:
        slope.mul_(gap.abs().pow(beta - 1))
    return with_gradient(student, value, slope.addcmul_(factor, gap))
