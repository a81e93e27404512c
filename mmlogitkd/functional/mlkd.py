"""Multi-level logit distillation (Jin, Wang, Lin, CVPR 2023)."""

from collections.abc import Sequence

from torch import Tensor

from .common import full_precision, softmax_kl


def gram_error(student: Tensor, teacher: Tensor) -> Tensor:
    """|A Aᵀ - B Bᵀ|², of (N, C) matrices, from tables of the smaller side.

    With D = A - B the difference is A Dᵀ + D Bᵀ. Its squared norm is a sum of products of C x C
    tables, each of which holds D twice over: nothing large cancels.
    """
    if student.size(0) <= student.size(1):
        return (student @ student.T - teacher @ teacher.T).square().sum()
    change = student - teacher
    ours, theirs = student.T @ change, teacher.T @ change
    grams = student.T @ student + teacher.T @ teacher
    return (grams * (change.T @ change)).sum() + 2 * (ours * theirs.T).sum()


@full_precision
def mlkd_loss(
    student: Tensor, teacher: Tensor, temperatures: Sequence[float] = (2, 3, 4, 5, 6)
) -> Tensor:
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
    loss = student.sum() * 0 if num_rows == 0 else student.new_zeros(())
    for temperature in temperatures if num_rows else ():
        cold_s, cold_t = student / temperature, teacher / temperature
        prob_s, prob_t = cold_s.softmax(-1), cold_t.softmax(-1)
        instance = temperature**2 * softmax_kl(student, teacher, temperature).mean()
        batch = gram_error(prob_s, prob_t) / num_rows
        classes = gram_error(prob_s.T, prob_t.T) / num_classes
        loss = loss + instance + batch + classes
    return loss
