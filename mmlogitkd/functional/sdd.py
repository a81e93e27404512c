"""Scale decoupled distillation (Wei, Luo, Luo, CVPR 2024, arXiv 2403.13512)."""

from torch import Tensor


def region_weights(teacher: Tensor, target: Tensor, beta: float = 2.0) -> Tensor:
    """``beta`` for the cells whose answer is right where the global one is wrong, or the reverse.

    Args:
        teacher: Region logits (R, N, C), region 0 the global one.
        target: Class indices (N,), int64.
        beta: Weight of these complementary cells; consistent ones and the global one weigh 1.

    Returns:
        (R, N) in the teacher's dtype.
    """
    right = teacher.argmax(-1) == target  # (R, N, C) -> (R, N)
    return 1 + (beta - 1) * (right != right[:1]).to(teacher.dtype)


def sdd_loss(rows: Tensor, teacher: Tensor, target: Tensor, beta: float = 2.0) -> Tensor:
    """The weighted mean of a per-row loss over the R cells of every image.

    The authors' code has this mean; the paper's equation is a sum, R times larger.

    Args:
        rows: Any loss per cell and image, (R, N).
        teacher: Region logits (R, N, C), region 0 the global one.
        target: Class indices (N,), int64.
        beta: Weight of the complementary cells.

    Returns:
        (N,).

    Example:
        >>> import torch
        >>> teacher = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])  # the cell contradicts the whole
        >>> sdd_loss(torch.ones(2, 1), teacher, torch.tensor([0]))
        tensor([1.5000])
    """
    return (region_weights(teacher, target, beta).to(rows.dtype) * rows).mean(0)
