"""Refined logit distillation (Sun et al., ICCV 2025, arXiv 2408.07703)."""

import torch
from torch import Tensor

from .common import class_logit, full_precision, pick_class, sigmoid_kl, softmax_kl


@full_precision
def rld_loss(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    alpha: float = 1.0,
    beta: float = 8.0,
    temperature: float = 4.0,
    alpha_temperature: float = 1.0,
) -> Tensor:
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
    confidence = alpha_temperature**2 * sigmoid_kl(
        class_logit(student / alpha_temperature, target),
        class_logit(teacher / alpha_temperature, teacher.argmax(-1)),
    )
    # A lowest finite logit has the probability 0 exactly; where a row masks every class both
    # softmaxes are uniform and the divergence is 0.
    masked = teacher >= pick_class(teacher, target).unsqueeze(-1)
    lowest = torch.finfo(student.dtype).min
    below = softmax_kl(
        (student / temperature).masked_fill(masked, lowest),
        (teacher / temperature).masked_fill(masked, lowest),
    )
    return alpha * confidence + beta * temperature**2 * below
