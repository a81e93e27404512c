"""Generalised decoupled knowledge distillation (Zheng, Cheng, TNNLS 2025, arXiv 2512.04625)."""

from torch import Tensor

from .common import (
    bernoulli,
    cooled,
    divergence,
    full_precision,
    leave_out,
    log_mass,
    rank,
    softmax_kl,
    with_gradient,
)


@full_precision
def gdkd_loss(
    student: Tensor,
    teacher: Tensor,
    topk: int = 5,
    w0: float = 1.0,
    w1: float = 2.0,
    w2: float = 8.0,
    temperature: float = 4.0,
) -> Tensor:
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
        return temperature**2 * w1 * softmax_kl(student, teacher, temperature)
    both, top = cooled(student, teacher, temperature), rank(teacher, topk)
    highest = leave_out(both, top)  # (2, ..., N, k)
    high, low = divergence(highest), divergence(both, without=top)
    # the top k against the rest, as one logit
    mass, slope = bernoulli(log_mass(highest, high.probs) - log_mass(both, low.probs))
    slope = w0 * slope.unsqueeze(-1)
    inside = high.gradient.mul_(w1).add_(high.probs[0] * slope)
    gradient = low.gradient.mul_(w2).sub_(low.probs[0] * slope).scatter_(-1, top, inside)
    value = w0 * mass + w1 * high.value + w2 * low.value
    return with_gradient(student, temperature**2 * value, gradient, temperature)
