"""Transformed teacher matching and its weighted form (Zheng, Yang, ICLR 2024, arXiv 2402.11148)."""

from torch import Tensor

from .closed_form import ClosedForm, closed_form
from .common import kl_form


@closed_form
def ttm_loss(student: Tensor, teacher: Tensor, gamma: float = 0.1) -> ClosedForm:
    """KL(normalised p_t^gamma || p_s), per row; the student's temperature is 1, there is no T².

    Args:
        student: Logits (..., N, C).
        teacher: Logits (..., N, C).
        gamma: Power of the teacher's probabilities, an inverse temperature.

    Returns:
        (..., N), float32 or above.

    Example:
        >>> import torch
        >>> ttm_loss(torch.zeros(1, 2), torch.tensor([[4.0, 0.0]]), gamma=0.5)
        tensor([0.3278])
    """
    return kl_form(student, gamma * teacher)


@closed_form
def wttm_loss(student: Tensor, teacher: Tensor, gamma: float = 0.1) -> ClosedForm:
    """The same times the sum over c of p_t[c]^gamma, which is large for an undecided teacher.

    Args:
        student: Logits (..., N, C).
        teacher: Logits (..., N, C).
        gamma: Power of the teacher's probabilities, an inverse temperature.

    Returns:
        (..., N), float32 or above.

    Example:
        >>> import torch
        >>> wttm_loss(torch.zeros(1, 2), torch.tensor([[4.0, 0.0]]), gamma=0.5)
        tensor([0.3688])
    """
    weight = (gamma * teacher.log_softmax(-1)).exp().sum(-1)
    value, gradient, *_ = kl_form(student, gamma * teacher)
    return ClosedForm(value.mul_(weight), gradient.mul_(weight.unsqueeze(-1)))
