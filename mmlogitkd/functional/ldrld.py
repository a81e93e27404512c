"""Local dense relational logit distillation (Xu et al., ICCV 2025, arXiv 2507.15911)."""

import functools
from typing import Any

import torch
from torch import Tensor

from .closed_form import ClosedForm, closed_form
from .common import compare, leave_out, over, pick, rank


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


_MATRIX_DEPTH = 16


def term_tables(
    depth: int,
    eps: float,
    delta: float,
    decay: float,
    share: float,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor, Tensor]:
    """What the local term looks up, on the device.

    Its divergences are sums over M = 2 P + d terms: of the higher rank of every pair, of the lower
    rank of every pair, and of every rank in the softmax over all d.

    Args:
        depth: d.
        eps: As in :func:`pair_weights`.
        delta: As in :func:`pair_weights`.
        decay: As in :func:`pair_weights`.
        share: Multiplies the whole local term.
        dtype: Of the weights.
        device: Where the tables live.

    Returns:
        The ranks (2 P,) of all pairs; the weights (M,) of the terms; and what adds up a rank's
        terms: the places (d · d,) of the terms, rank by rank, or for a small d on the CPU a matrix
        (d, M), which has each weight in the row of its rank. It would take d³ steps for a large d,
        and on CUDA its product may be in TF32.
    """
    pairs = torch.triu_indices(depth, depth, offset=1).flatten()
    of_pairs = pair_weights(depth, eps, delta, decay)
    weights = share * torch.cat((of_pairs, of_pairs, of_pairs.new_ones(depth)))
    ranks = torch.cat((pairs, torch.arange(depth)))
    by_rank = ranks.argsort(stable=True).to(device)
    if depth <= _MATRIX_DEPTH and device.type == 'cpu':
        by_rank = torch.zeros(depth, len(ranks), dtype=dtype)
        by_rank[ranks, torch.arange(len(ranks))] = weights.to(dtype)
    return pairs.to(device), weights.to(device, dtype), by_rank


# the same for every step, in inference mode or not
_kept_tables = functools.cache(torch.inference_mode(False)(term_tables))


@torch.compiler.assume_constant_result
def _tables(*key: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The tables, which a graph of torch.compile then holds as they are."""
    return _kept_tables(*key)


@closed_form
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
) -> ClosedForm:
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
    shape = student.shape
    if len(shape) > 2:
        student, teacher = student.flatten(0, -2), teacher.flatten(0, -2)
    share = alpha / (depth * (depth - 1) // 2 + 1 if average_pairs else 1)
    alone = depth == num_classes or beta == 0  # there is no other term
    common = share if alone else beta  # multiplies all in the end
    of_common = 1.0 if alone else share / beta
    tables = _tables(depth, eps, delta, decay, of_common, student.dtype, student.device)
    top = rank(student, depth)
    both = over(student, teacher, temperature)
    value, of_top = _local(pick(both, top), *tables)
    if alone:
        gradient = torch.zeros_like(student)
    else:
        rest = compare(leave_out(both, top), both)
        value, gradient = value.add_(rest.value), rest.gradient()
    gradient.scatter_(-1, top, of_top)
    if len(shape) > 2:
        value, gradient = value.view(shape[:-1]), gradient.view(shape)
    return ClosedForm(value, gradient, temperature * common, temperature**2 * common)


def _local(both: Tensor, pairs: Tensor, weights: Tensor, by_rank: Tensor) -> tuple[Tensor, Tensor]:
    """The weighted divergences of the pairs and of the top d, and their gradient.

    Args:
        both: Logits (2, N, d), the student's and the teacher's, in order of rank.
        pairs: First of :func:`term_tables`, and so on.
        weights: Of the terms.
        by_rank: What adds them up.

    Returns:
        (N,), and (N, d).
    """
    num_rows, num_ranks = both.size(1), pairs.size(0)
    both = both.transpose(1, 2)  # (2, d, N): what follows runs along the rows
    # (2, 2 P, N) -> model, outcome, pair, row
    two = both.index_select(1, pairs).view(2, 2, num_ranks // 2, num_rows).log_softmax(1)
    logs = torch.cat((two.view(2, num_ranks, num_rows), both.log_softmax(1)), 1)  # (2, M, N)
    log_student, log_teacher = logs.unbind()
    prob_student, prob_teacher = logs.exp().unbind()
    value = weights @ (log_teacher - log_student).mul_(prob_teacher)
    slopes = prob_student - prob_teacher  # (M, N)
    if by_rank.dim() == 2:
        return value, (by_rank @ slopes).T
    slopes = slopes.mul_(weights.unsqueeze(-1)).index_select(0, by_rank)
    return value, slopes.unflatten(0, (both.size(1), -1)).sum(1).T
