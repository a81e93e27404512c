"""Knowledge distillation (Hinton, Vinyals, Dean, 2015, arXiv 1503.02531)."""

from torch import Tensor

from .common import full_precision, softmax_kl


@full_precision
def kd_loss(student: Tensor, teacher: Tensor, temperature: float = 4.0) -> Tensor:
    """T² · KL(softmax(teacher / T) || softmax(student / T)), per row.

    Args:
        student: Logits (..., N, C).
        teacher: Logits (..., N, C).
        temperature: T; 4 is the CIFAR-100 tables' value, 1 ImageNet's.

    Returns:
        (..., N), float32 or above.

    Example:
        >>> import torch
        >>> student, teacher = torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0, 0.0]])
        >>> kd_loss(student, teacher, temperature=1.0)
        tensor([0.3278])
    """
    return softmax_kl(student, teacher, temperature, factor=temperature**2)
