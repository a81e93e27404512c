"""Normalised knowledge distillation (Yang et al., ICCV 2023, arXiv 2303.13005)."""

from torch import Tensor

from .common import drop_class, full_precision, pick_class


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
    log_student = pick_class(student.log_softmax(-1), target)
    prob_teacher = pick_class(teacher.softmax(-1), target)
    others_student = (drop_class(student, target) / temperature).log_softmax(-1)
    others_teacher = (drop_class(teacher, target) / temperature).softmax(-1)
    others = (others_teacher * others_student).sum(-1)
    return -prob_teacher * log_student - gamma * temperature**2 * others
