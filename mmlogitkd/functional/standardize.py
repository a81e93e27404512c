"""Logit standardisation (Sun et al., CVPR 2024, arXiv 2403.01427)."""

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
    if logits.size(-1) < 2:
        raise ValueError(
            f'standardisation needs at least 2 classes, got logits {tuple(logits.shape)}: '
            'a single class has no spread; drop StandardizedLoss'
        )
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    flat = logits.amax(-1, keepdim=True) == logits.amin(-1, keepdim=True)
    centred = logits - logits.mean(-1, keepdim=True)
    norm = torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
    std = norm / (logits.size(-1) - 1) ** 0.5
    # a division by infinity: 0, with the gradient 0
    return centred / torch.where(flat, torch.inf, std + eps)
