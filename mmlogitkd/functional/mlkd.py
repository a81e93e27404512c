"""Multi-level logit distillation (Jin, Wang, Lin, CVPR 2023)."""

from collections.abc import Sequence

from torch import Tensor

from .common import full_precision, softmax_kl


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
        A scalar, float32 or above; 0 without rows. It costs N · N and C · C memory.

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
        instance = temperature**2 * softmax_kl(cold_s, cold_t).mean()
        batch = (prob_s @ prob_s.T - prob_t @ prob_t.T).square().sum() / num_rows
        classes = (prob_s.T @ prob_s - prob_t.T @ prob_t).square().sum() / num_classes
        loss = loss + instance + batch + classes
    return loss
