"""Distillation of sigmoid heads (BCKD, Yang et al., ICCV 2023, arXiv 2308.14286)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .closed_form import ClosedForm, closed_form


@closed_form
def binary_kd_loss(student: Tensor, teacher: Tensor, beta: float = 1.0) -> ClosedForm:
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
    probs, absent = student.sigmoid(), teacher.neg().sigmoid_()
    bce = F.logsigmoid(student).neg_().addcmul_(absent, student)
    gap = torch.sub(probs, teacher.sigmoid(), out=absent)  # the derivative of the cross-entropy
    if beta == 0:
        return ClosedForm(bce.sum(-1), gap)
    size = gap.abs()
    value = (size * bce if beta == 1 else size.pow(beta).mul_(bce)).sum(-1)
    # sign(gap) · |gap|^(beta - 1) · (beta · p (1 - p) · BCE + gap²)
    gradient = bce.mul_(probs.addcmul_(probs, probs, value=-1))
    if beta == 1:
        gradient.addcmul_(gap, gap)
    else:
        gradient.mul_(beta).addcmul_(gap, gap).mul_(size.pow_(beta - 1))
    return ClosedForm(value, gradient.mul_(gap.sign_()))
