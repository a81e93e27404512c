"""Normalised knowledge distillation (Yang et al., ICCV 2023, arXiv 2303.13005)."""

from torch import Tensor

from .closed_form import ClosedForm, closed_form
from .common import columns, compare, leave_out, over


@closed_form
def nkd_loss(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    gamma: float = 1.5,
    temperature: float = 1.0,
) -> ClosedForm:
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
    label = columns(student, target)
    log_student = student.log_softmax(-1)
    log_own, prob_own = log_student.gather(-1, label), teacher.softmax(-1).gather(-1, label)
    both = over(student, teacher, temperature)
    others = compare(leave_out(both, label), both, cross_entropy=True)
    gradient = others.gradient().mul_(gamma * temperature).addcmul_(log_student.exp_(), prob_own)
    gradient.scatter_add_(-1, label, -prob_own)
    value = gamma * temperature**2 * others.value - (prob_own * log_own).squeeze(-1)
    return ClosedForm(value, gradient)
