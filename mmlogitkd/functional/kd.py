"""Knowledge distillation (Hinton, Vinyals, Dean, 2015, arXiv 1503.02531)."""

from torch import Tensor

from .closed_form import ClosedForm, closed_form
from .common import kl_form


@closed_form
def kd_loss(student: Tensor, teacher: Tensor, temperature: float = 4.0) -> ClosedForm:
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
    return kl_form(student, teacher, temperature, factor=temperature**2)
