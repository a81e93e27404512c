"""Multi-level logit distillation (Jin, Wang, Lin, CVPR 2023)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .closed_form import ClosedForm, closed_form
from .common import divergence


def gram_error(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """|A Aᵀ - B Bᵀ|² of matrices (N, C), from tables of the smaller side, outside autograd.

    Where N > C, the tables are C x C: with D = A - B the difference is A Dᵀ + D Bᵀ. Each of the
    products that are added up then holds D twice over, so that nothing large cancels.

    Returns:
        A scalar, and its gradient (N, C) with respect to A.
    """
    if student.size(0) <= student.size(1):
        error = student @ student.T - teacher @ teacher.T
        return error.square().sum(), 4 * error @ student
    change = student - teacher
    ours, changed = student.T @ student, change.T @ student
    cross = change.T @ teacher
    grams = ours + teacher.T @ teacher
    value = (grams * (change.T @ change)).sum() + 2 * (changed * cross.T).sum()
    return value, 4 * (change @ ours + teacher @ changed)


@closed_form
def mlkd_loss(
    student: Tensor, teacher: Tensor, temperatures: Sequence[float] = (2, 3, 4, 5, 6)
) -> ClosedForm:
    """Instances, batch and classes matched at several temperatures, and summed over these.

    For each T: T² · mean KL of the rows + |p_s p_sᵀ - p_t p_tᵀ|² / N + |p_sᵀ p_s - p_tᵀ p_t|² / C,
    with p (N, C) the softmax at T. The authors' code multiplies by masks of confidence that its
    reductions turn into constant factors; this is the form without them.

    Args:
        student: Logits (N, C).
        teacher: Logits (N, C).
        temperatures: The T.

    Returns:
        A scalar, float32 or above; 0 without rows. No table is larger than min(N, C) squared.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 2), torch.tensor([[2.0, 0.0]])
        >>> mlkd_loss(student, teacher, temperatures=(1,))
        tensor(0.5990)
    """
    num_rows, num_classes = student.shape
    if num_rows == 0:
        return ClosedForm(student.sum(), student)
    value, gradient = student.new_zeros(()), torch.zeros_like(student)
    for temperature in temperatures:
        found = divergence(student, teacher, temperature)
        probs, theirs = found.student, found.teacher
        batch, of_batch = gram_error(probs, theirs)
        classes, of_classes = gram_error(probs.T, theirs.T)
        value = value + temperature**2 * found.value.mean()
        value = value + batch / num_rows + classes / num_classes
        # through the softmax: p · (g - sum of p · g), over T
        slope = (of_batch / num_rows).add_(of_classes.T, alpha=1 / num_classes)
        slope.sub_((slope * probs).sum(-1, keepdim=True)).mul_(probs)
        gradient.add_(slope, alpha=1 / temperature)
        gradient.add_(found.gradient(), alpha=temperature / num_rows)
    return ClosedForm(value, gradient)
