"""Local dense relational logit distillation (Xu et al., ICCV 2025, arXiv 2507.15911)."""

import functools

import torch
from torch import Tensor

from .common import (
    cooled_without,
    divergence,
    full_precision,
    rank,
    sigmoid_difference,
    sigmoid_kl,
    with_gradient,
)


def pair_weights(
    depth: int,
    eps: float = 1.5,
    delta: float = 2.0,
    decay: float = 0.05,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """The weights 1 / (eps + j - i) · delta · exp(-decay · (i + j)) of the ranks i < j.

    Args:
        depth: Number of ranks d; they count from 1 in the weight.
        eps: Offset of the inverse rank weight.
        delta: Scale of the exponential rank decay.
        decay: Its rate.
        device: Where the table lives.
        dtype: Its precision.

    Returns:
        (d, d), 0 but above the diagonal.
    """
    ranks = torch.arange(1, depth + 1, dtype=torch.float64)
    first, second = ranks.unsqueeze(1), ranks.unsqueeze(0)
    weights = delta * torch.exp(-decay * (first + second)) / (eps + second - first)
    return weights.triu(1).to(device, dtype)


_kept_pair_weights = functools.cache(pair_weights)  # the same table for every step


@full_precision
def ldrld_loss(
    student: Tensor,
    teacher: Tensor,
    depth: int = 7,
    alpha: float = 10.5,
    beta: float = 7.0,
    temperature: float = 4.0,
    eps: float = 1.5,
    delta: float = 2.0,
    decay: float = 0.05,
    average_pairs: bool = True,
) -> Tensor:
    """The value alpha · local + beta · remaining, per row; the student ranks the classes.

    Local: T² · (weighted pair divergences + KL over the student's top d classes), divided by
    d(d - 1)/2 + 1 with ``average_pairs``. Remaining: T² · KL over the other C - d classes. A
    two-class softmax is a sigmoid of a difference, so a pair costs one Bernoulli divergence on
    (N, d) gathered logits.

    Args:
        student: Logits (..., N, C).
        teacher: Logits (..., N, C).
        depth: d, 1 <= d <= C.
        alpha: Weight of the local term.
        beta: Weight of the remaining classes' term, which is 0 for d = C.
        temperature: T.
        eps: Offset of the inverse rank weight.
        delta: Scale of the exponential rank decay.
        decay: Its rate.
        average_pairs: Divide the local term by its number of divergences, as the authors' code.

    Returns:
        (..., N), float32 or above.

    Raises:
        ValueError: ``depth`` is larger than the number of classes.

    Example:
        >>> import torch
        >>> student, teacher = torch.tensor([[3.0, 2.0, 1.0]]), torch.tensor([[2.0, 2.0, 2.0]])
        >>> ldrld_loss(student, teacher, depth=2, temperature=1.0)
        tensor([1.0648])
    """
    num_classes = student.size(-1)
    if depth > num_classes:
        raise ValueError(
            f'depth {depth} is larger than the {num_classes} classes of the logits; '
            f'set depth to 1..{num_classes}'
        )
    logits = student.detach()
    top = rank(logits, depth)
    top_s, top_t = logits.gather(-1, top) / temperature, teacher.gather(-1, top) / temperature
    whole = divergence(top_s, top_t)
    local, local_gradient = whole.value, whole.gradient()
    if depth > 1:
        # a graph of torch.compile holds the table anyway
        table = pair_weights if torch.compiler.is_compiling() else _kept_pair_weights
        weights = table(depth, eps, delta, decay, top_s.device, top_s.dtype)
        pairs, pairs_gradient = _pairs(top_s, top_t, weights)
        local, local_gradient = local + pairs, local_gradient.add_(pairs_gradient)
    share = alpha / (depth * (depth - 1) // 2 + 1 if average_pairs else 1)
    value, local_gradient = share * local, local_gradient.mul_(share)
    if depth < num_classes:
        rest = divergence(
            cooled_without(logits, temperature, top), cooled_without(teacher, temperature, top)
        )
        value = value + beta * rest.value
        gradient = rest.gradient().mul_(beta).scatter_(-1, top, local_gradient)
    else:
        gradient = torch.zeros_like(logits).scatter_(-1, top, local_gradient)
    return with_gradient(student, temperature**2 * value, gradient, temperature)


def _pairs(student: Tensor, teacher: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The weighted divergences of all pairs of ranks, and their gradient.

    Args:
        student: Logits (..., N, d) in order of rank.
        teacher: Logits (..., N, d) of the same classes.
        weights: (d, d), 0 but above the diagonal.

    Returns:
        (..., N), and (..., N, d) with respect to the student's logits.
    """
    # (..., N, d, 1) - (..., N, 1, d) -> (..., N, d, d)
    ours = student.unsqueeze(-1) - student.unsqueeze(-2)
    theirs = teacher.unsqueeze(-1) - teacher.unsqueeze(-2)
    value = (sigmoid_kl(ours, theirs) * weights).sum((-2, -1))
    slope = sigmoid_difference(ours, theirs).mul_(weights)
    return value, slope.sum(-1) - slope.sum(-2)
