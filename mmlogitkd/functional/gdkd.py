"""Generalised decoupled knowledge distillation (Zheng, Cheng, TNNLS 2025, arXiv 2512.04625)."""

import torch
from torch import Tensor

from .common import full_precision, sigmoid_kl, softmax_kl, split_at_rank


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
    (top_s, rest_s), (top_t, rest_t) = split_at_rank(
        teacher.detach(), topk, student / temperature, teacher / temperature
    )
    loss = w1 * softmax_kl(top_s, top_t)
    if topk < num_classes:
        mass_s, mass_t = (
            torch.logsumexp(top, -1) - torch.logsumexp(rest, -1)
            for top, rest in ((top_s, rest_s), (top_t, rest_t))
        )
        loss = loss + w0 * sigmoid_kl(mass_s, mass_t) + w2 * softmax_kl(rest_s, rest_t)
    return temperature**2 * loss
