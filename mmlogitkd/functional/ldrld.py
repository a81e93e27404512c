"""Local dense relational logit distillation (Xu et al., ICCV 2025, arXiv 2507.15911)."""

import functools

import torch
from torch import Tensor

from .common import (
    divergence,
    full_precision,
    pick,
    rank,
    with_gradient,
)


def pair_weights(depth: int, eps: float = 1.5, delta: float = 2.0, decay: float = 0.05) -> Tensor:
    """The weights 1 / (eps + j - i) · delta · exp(-decay · (i + j)) of the ranks i < j.

    Args:
        depth: Number of ranks d; they count from 1 in the weight.
        eps: Offset of the inverse rank weight.
        delta: Scale of the exponential rank decay.
        decay: Its rate.

    Returns:
        (P,) in float64 on the CPU, with P = d(d - 1)/2, in the order of ``torch.triu_indices``.
    """
    first, second = torch.triu_indices(depth, depth, offset=1)
    ranks = (first + second + 2).double()
    return delta * torch.exp(-decay * ranks) / (eps + (second - first))


def pair_tables(
    depth: int, eps: float, delta: float, decay: float, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """What the sum over pairs looks up, on the device.

    Args:
        depth: d >= 2.
        eps: As in :func:`pair_weights`.
        delta: As in :func:`pair_weights`.
        decay: As in :func:`pair_weights`.
        dtype: Of the weights.
        device: Where the tables live.

    Returns:
        The ranks (2 P,) of all pairs, first the higher ones, then the lower ones; where each rank
        stands among them (d · (d - 1),), rank by rank; the weights (P,).
    """
    ranks = torch.triu_indices(depth, depth, offset=1).flatten()
    places = ranks.argsort(stable=True)
    weights = pair_weights(depth, eps, delta, decay).to(dtype)
    return ranks.to(device), places.to(device), weights.to(device)


_kept_tables = functools.cache(pair_tables)  # the same for every step


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
    d(d - 1)/2 + 1 with ``average_pairs``. Remaining: T² · KL over the other C - d classes. All
    pairs are two-class softmaxes of (N, d) gathered logits.

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
    top = rank(student.detach(), depth)
    # (2, ..., N, d) -> (2, d, ..., N): what follows runs along the rows
    highest = pick(student, teacher, top, temperature).movedim(-1, 1).contiguous()
    local, local_gradient = _divergence(highest)
    if depth > 1:
        # a graph of torch.compile holds the tables anyway
        tables = pair_tables if torch.compiler.is_compiling() else _kept_tables
        pairs, pairs_gradient = _pairs(
            highest, *tables(depth, eps, delta, decay, highest.dtype, highest.device)
        )
        local, local_gradient = local + pairs, local_gradient.add_(pairs_gradient)
    factor = temperature**2
    share = alpha / (depth * (depth - 1) // 2 + 1 if average_pairs else 1)
    if depth == num_classes or beta == 0:
        gradient = torch.zeros_like(student).scatter_(-1, top, local_gradient.movedim(0, -1))
        return with_gradient(student, factor * share * local, gradient, temperature * share)
    rest = divergence(student, teacher, temperature, without=top)
    value = rest.value.mul_(factor * beta).add_(local, alpha=factor * share)
    # beta multiplies the whole gradient later
    local_gradient = local_gradient.mul_(share / beta).movedim(0, -1)
    gradient = rest.gradient().scatter_(-1, top, local_gradient)
    return with_gradient(student, value, gradient, temperature * beta)


def _divergence(both: Tensor) -> tuple[Tensor, Tensor]:
    """KL over dim 1 of both models' logits (2, K, ...), and its gradient for the student's.

    Returns:
        (...), and (K, ...).
    """
    logs = both.log_softmax(1)
    log_student, log_teacher = logs.unbind()
    prob_student, prob_teacher = logs.exp().unbind()
    return (prob_teacher * (log_teacher - log_student)).sum(0), prob_student - prob_teacher


def _pairs(both: Tensor, ranks: Tensor, places: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The weighted divergences of all pairs of ranks (..., N), and their gradient (d, ..., N).

    Args:
        both: Logits (2, d, ..., N), the student's and the teacher's, in order of rank.
        ranks: First of :func:`pair_tables`, and so on.
        places: Where each rank stands among them.
        weights: The pairs' weights.
    """
    depth, rows = both.size(1), both.shape[2:]
    # (2, d, ..., N) -> (2, 2 P, ..., N) -> (2, 2, P, ..., N)
    value, gradient = _divergence(both.index_select(1, ranks).view(2, 2, len(weights), *rows))
    weights = weights.view(-1, *[1] * len(rows))
    # (2, P, ..., N) -> (2 P, ..., N) -> (d, d - 1, ..., N) -> (d, ..., N)
    shares = (gradient * weights).flatten(0, 1).index_select(0, places)
    return (value * weights).sum(0), shares.view(depth, depth - 1, *rows).sum(1)
