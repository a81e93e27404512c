"""Decoupled knowledge distillation (Zhao et al., CVPR 2022, arXiv 2203.08679)."""

import torch
from torch import Tensor

from .common import (
    bernoulli,
    columns,
    cooled_without,
    divergence,
    full_precision,
    log_mass,
    pick_class,
    with_gradient,
)


@full_precision
def dkd_loss(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    alpha: float = 1.0,
    beta: float = 8.0,
    temperature: float = 4.0,
) -> Tensor:
    """T² · (alpha · TCKD + beta · NCKD), per row.

    TCKD is the KL of (p_y, 1 - p_y), NCKD the KL of the softmax over the other C - 1 classes. The
    authors' code takes the logarithm of a softmax, which underflows; here both stay in log space.

    Args:
        student: Logits (..., N, C), C >= 2.
        teacher: Logits (..., N, C).
        target: Class indices (N,) or (..., N), int64.
        alpha: Weight of the target's term.
        beta: Weight of the other classes' term; 0 of it remains for C = 2.
        temperature: T.

    Returns:
        (..., N), float32 or above.

    Raises:
        ValueError: There is only one class.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 3), torch.tensor([[2.0, 1.0, 0.0]])
        >>> dkd_loss(student, teacher, torch.tensor([0]), temperature=1.0)
        tensor([1.1166])
    """
    logits, label = student.detach(), columns(student, target)
    others_s = cooled_without(logits, temperature, label)
    others_t = cooled_without(teacher, temperature, label)
    nckd = divergence(others_s, others_t, without=label)
    # the label's class against all others, as one logit
    own_s = pick_class(logits, target) / temperature - log_mass(others_s, nckd.student)
    own_t = pick_class(teacher, target) / temperature - log_mass(others_t, nckd.teacher)
    tckd, slope = bernoulli(torch.stack((own_s, own_t)))
    value, slope = alpha * tckd + beta * nckd.value, alpha * slope.unsqueeze(-1)
    gradient = nckd.student.mul_(beta - slope).sub_(nckd.teacher, alpha=beta)
    gradient.scatter_(-1, label, slope)
    return with_gradient(student, temperature**2 * value, gradient, temperature)
