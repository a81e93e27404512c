"""Normalised knowledge distillation (Yang et al., ICCV 2023, arXiv 2303.13005)."""

from torch import Tensor

from .common import (
    columns,
    cooled_without,
    full_precision,
    pick_class,
    with_gradient,
)


@full_precision
def nkd_loss(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    gamma: float = 1.5,
    temperature: float = 1.0,
) -> Tensor:
    """-p_t[y] · log p_s[y] - gamma · T² · sum over c != y of n_t[c] · log n_s[c], per row.

    p is the softmax at temperature 1, n the softmax over the C - 1 other classes at T. Both terms
    are cross-entropies: the value is not 0 where the student equals the teacher.

    Args:
        student: Logits (..., N, C), C >= 2.
        teacher: Logits (..., N, C).
        target: Class indices (N,) or (..., N), int64.
        gamma: Weight of the other classes' term.
        temperature: T, of the other classes' term alone.

    Returns:
        (..., N), float32 or above.

    Raises:
        ValueError: There is only one class.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 3), torch.tensor([[2.0, 1.0, 0.0]])
        >>> nkd_loss(student, teacher, torch.tensor([0]))
        tensor([1.7706])
    """
    logits, label = student.detach(), columns(student, target)
    log_student = logits.log_softmax(-1)
    prob_teacher = pick_class(teacher.softmax(-1), target)
    own = -prob_teacher * pick_class(log_student, target)
    log_others = cooled_without(logits, temperature, label).log_softmax(-1)
    others_teacher = cooled_without(teacher, temperature, label).softmax(-1)
    # the label's entry is 0 times the lowest finite number
    others = -(others_teacher * log_others).sum(-1)
    value = own + gamma * temperature**2 * others
    gradient = log_others.exp_().sub_(others_teacher).mul_(gamma * temperature)
    gradient.addcmul_(log_student.exp_(), prob_teacher.unsqueeze(-1))
    gradient.scatter_add_(-1, label, -prob_teacher.unsqueeze(-1))
    return with_gradient(student, value, gradient)
