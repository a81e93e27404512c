"""Local dense relational logit distillation (Xu et al., ICCV 2025, arXiv 2507.15911)."""

import torch
from torch import Tensor

from .common import full_precision, sigmoid_kl, softmax_kl, split_at_rank


def pair_weights(
    depth: int,
    eps: float = 1.5,
    delta: float = 2.0,
    decay: float = 0.05,
    device: torch.device | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The pairs of ranks i < j and their weights 1 / (eps + j - i) · delta · exp(-decay · (i + j)).

    Args:
        depth: Number of ranks d; they count from 1 in the weight.
        eps: Offset of the inverse rank weight.
        delta: Scale of the exponential rank decay.
        decay: Its rate.
        device: Where the tensors live.

    Returns:
        First and second positions (P,), counted from 0, and weights (P,) in float64, with
        P = d(d - 1)/2.
    """
    first, second = torch.triu_indices(depth, depth, offset=1, device=device)
    ranks = (first + second + 2).double()
    return first, second, delta * torch.exp(-decay * ranks) / (eps + (second - first))


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
    (top_s, rest_s), (top_t, rest_t) = split_at_rank(
        student.detach(), depth, student / temperature, teacher / temperature
    )
    local = softmax_kl(top_s, top_t)
    if depth > 1:
        first, second, weight = pair_weights(depth, eps, delta, decay, student.device)
        pairs_s = top_s[..., first] - top_s[..., second]  # (..., N, d) -> (..., N, P)
        pairs_t = top_t[..., first] - top_t[..., second]
        local = local + (sigmoid_kl(pairs_s, pairs_t) * weight.to(local.dtype)).sum(-1)
    if average_pairs:
        local = local / (depth * (depth - 1) // 2 + 1)
    remaining = softmax_kl(rest_s, rest_t) if depth < num_classes else torch.zeros_like(local)
    return temperature**2 * (alpha * local + beta * remaining)
