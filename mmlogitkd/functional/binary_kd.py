"""Distillation of sigmoid heads (BCKD, Yang et al., ICCV 2023, arXiv 2308.14286)."""

import torch.nn.functional as F
from torch import Tensor

from .common import full_precision


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
    prob_teacher = teacher.sigmoid()
    bce = F.binary_cross_entropy_with_logits(student, prob_teacher, reduction='none')
    return ((prob_teacher - student.sigmoid()).abs().pow(beta) * bce).sum(-1)
