"""Refined logit distillation (Sun et al., ICCV 2025, arXiv 2408.07703)."""

import torch
from torch import Tensor

from .common import (
    bernoulli,
    columns,
    cooled,
    full_precision,
    log_mass,
    require_others,
    with_gradient,
)


@full_precision
def rld_loss(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    alpha: float = 1.0,
    beta: float = 8.0,
    temperature: float = 4.0,
    alpha_temperature: float = 1.0,
) -> Tensor:
    """The value alpha · A² · KL(confidence) + beta · T² · KL(classes below the label), per row.

    Confidence: (max p_t, 1 - max p_t) against (p_s[y], 1 - p_s[y]), at temperature A. The second
    term sees the classes whose teacher logit is strictly below the label's, so that a wrong ranking
    of the classes above is not taught; without any it is 0.

    Args:
        student: Logits (..., N, C), C >= 2.
        teacher: Logits (..., N, C).
        target: Class indices (N,) or (..., N), int64.
        alpha: Weight of the confidence term.
        beta: Weight of the masked term.
        temperature: T, of the masked term.
        alpha_temperature: A, of the confidence term.

    Returns:
        (..., N), float32 or above.

    Raises:
        ValueError: There is only one class.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 3), torch.tensor([[2.0, 1.0, 0.0]])
        >>> rld_loss(student, teacher, torch.tensor([0]), temperature=1.0)
        tensor([1.1166])
    """
    require_others(student)
    label = columns(student, target)
    # the label's class (student) and the highest (teacher) against all others, as one logit
    sure = cooled(student, teacher, alpha_temperature)
    index = torch.stack((label, columns(teacher, teacher.argmax(-1))))
    own = sure.gather(-1, index).squeeze(-1)
    others = sure.scatter_(-1, index, torch.finfo(sure.dtype).min).softmax(-1)
    confidence, slope = bernoulli(own - log_mass(sure, others))
    slope = alpha * alpha_temperature * slope.unsqueeze(-1)
    below, gradient = _below(cooled(student, teacher, temperature), teacher, label)
    gradient.mul_(beta * temperature).sub_(others[0] * slope).scatter_add_(-1, label, slope)
    value = alpha * alpha_temperature**2 * confidence + beta * temperature**2 * below
    return with_gradient(student, value, gradient)


def _below(both: Tensor, teacher: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """KL over the classes that the teacher puts below the label (..., N), and its gradient.

    Half the lowest number takes a probability to 0 exactly; where a row masks every class, both
    softmaxes are uniform and the divergence is 0. Arithmetic is faster than a choice by mask, and a
    second softmax faster than exponentials of logarithms that far below 0.

    Args:
        both: Logits (2, ..., N, C), already divided by the temperature, which are changed.
        teacher: Logits (..., N, C).
        label: (..., N, 1).
    """
    masked = (teacher >= teacher.gather(-1, label)).to(both.dtype)
    both.add_(masked, alpha=torch.finfo(both.dtype).min / 2)
    (log_s, log_t), (prob_s, prob_t) = both.log_softmax(-1), both.softmax(-1)
    return log_t.sub_(log_s).mul_(prob_t).sum(-1), prob_s - prob_t
