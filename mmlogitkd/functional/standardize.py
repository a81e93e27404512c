"""Logit standardisation (Sun et al., CVPR 2024, arXiv 2403.01427)."""

from typing import NamedTuple

import torch
from torch import Tensor


def standardize(logits: Tensor, eps: float = 1e-7) -> Tensor:
    """(z - mean) / (std + eps) of every row over its classes, unbiased std.

    Args:
        logits: (..., C), C >= 2.
        eps: Added to the standard deviation.

    Returns:
        (..., C), float32 or above. A row of equal logits gives zeros and has the gradient 0, which
        by the formula would be 1 / eps.

    Raises:
        ValueError: There is only one class.

    Example:
        >>> import torch
        >>> standardize(torch.tensor([[1.0, 2.0, 3.0]]))
        tensor([[-1.0000,  0.0000,  1.0000]])
    """
    centred, std, flat = _centred(logits)
    return centred / _spread(std, flat, eps)


class Standardized(NamedTuple):
    """Standardised logits, and the way back of a gradient.

    Attributes:
        logits: z = (x - mean) / (std + eps), (..., C).
        spread: std + eps, (..., 1), infinite for a row of equal logits.
        slope: (std + eps) / std / (C - 1), (..., 1).
    """

    logits: Tensor
    spread: Tensor
    slope: Tensor

    def pull_back(self, gradient: Tensor) -> Tensor:
        """The gradient by x of what has this gradient (..., C) by z; takes over its memory.

        It is (g - mean(g) - z · slope · sum of g · z) / spread.
        """
        along = (gradient * self.logits).sum(-1, keepdim=True).mul_(self.slope)
        gradient.sub_(gradient.mean(-1, keepdim=True)).addcmul_(self.logits, along, value=-1)
        return gradient.div_(self.spread)


def standardized(logits: Tensor, eps: float = 1e-7) -> Standardized:
    """Do the same outside autograd, and keep what the gradient needs.

    Args:
        logits: (..., C), C >= 2, float32 or above.
        eps: Added to the standard deviation.

    Raises:
        ValueError: There is only one class.
    """
    centred, std, flat = _centred(logits)
    spread = _spread(std, flat, eps)
    # where std is 0, so is z
    slope = (std + eps) / (std.clamp(min=torch.finfo(std.dtype).tiny) * (logits.size(-1) - 1))
    return Standardized(centred.div_(spread), spread, slope)


def _centred(logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits without their mean, their standard deviation, and which rows have equal ones."""
    if logits.size(-1) < 2:
        raise ValueError(
            f'standardisation needs at least 2 classes, got logits {tuple(logits.shape)}: '
            'a single class has no spread; drop StandardizedLoss'
        )
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    flat = logits.amax(-1, keepdim=True) == logits.amin(-1, keepdim=True)
    centred = logits - logits.mean(-1, keepdim=True)
    norm = torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
    return centred, norm / (logits.size(-1) - 1) ** 0.5, flat


def _spread(std: Tensor, flat: Tensor, eps: float) -> Tensor:
    return torch.where(flat, torch.inf, std + eps)  # a division by infinity: 0, with gradient 0
