"""Decoupled knowledge distillation (Zhao et al., CVPR 2022, arXiv 2203.08679)."""

from torch import Tensor

from .closed_form import ClosedForm, closed_form
from .common import bernoulli, columns, compare, leave_out, mass, over, pick


@closed_form
def dkd_loss(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    alpha: float = 1.0,
    beta: float = 8.0,
    temperature: float = 4.0,
) -> ClosedForm:
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
    label = columns(student, target)
    both = over(student, teacher, temperature)
    own = pick(both, label).squeeze(-1)  # (2, ..., N)
    logs = leave_out(both, label)
    # the label against all others, as one logit
    tckd, slope = bernoulli(own - mass(both, logs))
    nckd = compare(logs, both)
    slope = alpha * slope.unsqueeze(-1)
    gradient = nckd.student.mul_(beta - slope).sub_(nckd.teacher, alpha=beta)
    gradient.scatter_(-1, label, slope)
    value = alpha * tckd + beta * nckd.value
    return ClosedForm(value, gradient, temperature, temperature**2)
