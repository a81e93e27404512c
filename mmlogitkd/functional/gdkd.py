"""Generalised decoupled knowledge distillation (Zheng, Cheng, TNNLS 2025, arXiv 2512.04625)."""

from torch import Tensor

from .closed_form import ClosedForm, closed_form
from .common import bernoulli, compare, divergence, kl_form, leave_out, mass, over, pick, rank


@closed_form
def gdkd_loss(
    student: Tensor,
    teacher: Tensor,
    topk: int = 5,
    w0: float = 1.0,
    w1: float = 2.0,
    w2: float = 8.0,
    temperature: float = 4.0,
) -> ClosedForm:
    """T² · (w0 · KL of the parts' mass + w1 · KL in the top k + w2 · KL in the rest), per row.

    The teacher's k highest classes are one part, the C - k others the second.

    Args:
        student: Logits (..., N, C).
        teacher: Logits (..., N, C).
        topk: k, 1 <= k <= C.
        w0: Weight of the two parts' mass; the term is 0 for k = C.
        w1: Weight inside the top k.
        w2: Weight inside the rest; the term is 0 for k = C.
        temperature: T.

    Returns:
        (..., N), float32 or above.

    Raises:
        ValueError: ``topk`` is larger than the number of classes.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 3), torch.tensor([[2.0, 1.0, 0.0]])
        >>> gdkd_loss(student, teacher, topk=1, temperature=1.0)
        tensor([1.1166])
    """
    num_classes = student.size(-1)
    if topk > num_classes:
        raise ValueError(
            f'topk {topk} is larger than the {num_classes} classes of the logits; '
            f'set topk to 1..{num_classes}'
        )
    if topk == num_classes:
        return kl_form(student, teacher, temperature, factor=w1 * temperature**2)
    top = rank(teacher, topk)
    both = over(student, teacher, temperature)
    highest = pick(both, top)  # (2, ..., N, k)
    high = divergence(highest[0], highest[1], 1.0)
    logs = leave_out(both, top)
    # the top k against the rest, as one logit
    parts, slope = bernoulli(highest.logsumexp(-1) - mass(both, logs))
    low = compare(logs, both)
    slope = w0 * slope.unsqueeze(-1)
    inside = high.student.mul_(w1 + slope).sub_(high.teacher, alpha=w1)
    gradient = low.student.mul_(w2 - slope).sub_(low.teacher, alpha=w2)
    gradient.scatter_(-1, top, inside)
    value = w0 * parts + w1 * high.value + w2 * low.value
    return ClosedForm(value, gradient, temperature, temperature**2)
