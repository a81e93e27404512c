"""Refined logit distillation (Sun et al., ICCV 2025, arXiv 2408.07703)."""

import torch
from torch import Tensor

from .closed_form import ClosedForm, closed_form
from .common import bernoulli, columns, require_others


@closed_form
def rld_loss(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    alpha: float = 1.0,
    beta: float = 8.0,
    temperature: float = 4.0,
    alpha_temperature: float = 1.0,
) -> ClosedForm:
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
    label, highest = columns(student, target), teacher.argmax(-1, keepdim=True)
    # the label's class (student) and the highest (teacher) against all others, as one logit
    sure_s, others = _against_others(student, label, alpha_temperature)
    sure_t, _ = _against_others(teacher, highest, alpha_temperature)
    confidence, slope = bernoulli(torch.stack((sure_s, sure_t)))
    slope = alpha * alpha_temperature * slope.unsqueeze(-1)
    below, gradient = _below(student, teacher, label, temperature)
    gradient.mul_(beta * temperature).sub_(others.mul_(slope)).scatter_add_(-1, label, slope)
    value = alpha * alpha_temperature**2 * confidence + beta * temperature**2 * below
    return ClosedForm(value, gradient)


def _against_others(logits: Tensor, index: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """One class of every row against all others.

    Args:
        logits: (..., N, C).
        index: (..., N, 1), the class.
        temperature: T.

    Returns:
        The x (..., N) with sigmoid(x) = softmax(logits / T)[index], and the softmax over the other
        classes (..., N, C).
    """
    require_others(logits)
    others = (logits / temperature).scatter_(-1, index, torch.finfo(logits.dtype).min)
    probs = others.softmax(-1)
    mass = others.amax(-1) - probs.amax(-1).log()
    return logits.gather(-1, index).squeeze(-1) / temperature - mass, probs


def _below(
    student: Tensor, teacher: Tensor, label: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """KL over the classes that the teacher puts below the label (..., N), and its gradient.

    Half the lowest number takes a probability to 0 exactly; where a row masks every class, both
    softmaxes are uniform and the divergence is 0. Arithmetic is faster than a choice by mask, and a
    second softmax faster than exponentials of logarithms that far below 0.

    Args:
        student: Logits (..., N, C).
        teacher: Logits (..., N, C).
        label: (..., N, 1).
        temperature: T.
    """
    masked = (teacher >= teacher.gather(-1, label)).to(student.dtype)
    lowest = torch.finfo(student.dtype).min / 2
    scratch = (student / temperature).add_(masked, alpha=lowest)
    log_student, prob_student = scratch.log_softmax(-1), scratch.softmax(-1)
    torch.div(teacher, temperature, out=scratch).add_(masked, alpha=lowest)
    log_teacher, prob_teacher = scratch.log_softmax(-1), scratch.softmax(-1)
    value = log_teacher.sub_(log_student).mul_(prob_teacher).sum(-1)
    return value, prob_student.sub_(prob_teacher)
