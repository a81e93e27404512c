"""DIST: distillation from a stronger teacher (Huang et al., NeurIPS 2022, arXiv 2205.10536)."""

import torch
from torch import Tensor

from .closed_form import ClosedForm, closed_form

_EPS = 1e-8


def pearson(first: Tensor, second: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Pearson correlation along ``dim``, as xy / (|x| |y| + 1e-8) of the centred vectors.

    A vector that is constant up to rounding has no direction: its correlation is 0, and so is the
    gradient, which by the formula would be 1e8 times the other vector.

    Args:
        first: Probabilities (N, C).
        second: Probabilities (N, C).
        dim: Along which.

    Returns:
        The correlations, with ``dim`` of size 1, and the gradient (N, C) of each with respect to
        its vector in ``first``.
    """
    first, first_norm, first_flat = _centred(first, dim)
    second, second_norm, second_flat = _centred(second, dim)
    scale = (1 / (first_norm * second_norm + _EPS)).masked_fill_(first_flat | second_flat, 0)
    correlation = (first * second).sum(dim, keepdim=True) * scale
    # both are centred, so the gradient needs no centring
    shrink = correlation * scale * second_norm / first_norm.clamp(min=_EPS)
    return correlation, second.mul_(scale).sub_(first.mul_(shrink))


def _centred(probs: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors without their mean, their norms, and which of them are rounding errors alone."""
    mean = probs.mean(dim, keepdim=True)
    centred = probs - mean
    norm = torch.linalg.vector_norm(centred, dim=dim, keepdim=True)
    rounding = 4 * torch.finfo(probs.dtype).eps * probs.size(dim) ** 0.5
    return centred, norm, norm <= rounding * mean


@closed_form
def dist_loss(
    student: Tensor,
    teacher: Tensor,
    beta: float = 1.0,
    gamma: float = 1.0,
    temperature: float = 1.0,
) -> ClosedForm:
    """T² · (beta · (1 - mean over rows of r) + gamma · (1 - mean over classes of r)).

    r is the Pearson correlation of the softmaxes at T: over the classes of a row in the first
    term, over the batch for a class in the second, which is why no row has a value of its own.

    Args:
        student: Logits (N, C).
        teacher: Logits (N, C).
        beta: Weight of the rows' term.
        gamma: Weight of the classes' term.
        temperature: T; 1 on ImageNet, 4 on CIFAR-100.

    Returns:
        A scalar, float32 or above; 0 without rows.

    Example:
        >>> import torch
        >>> dist_loss(torch.eye(2), torch.eye(2).flip(1))
        tensor(4.)
    """
    if student.size(0) == 0:
        return ClosedForm(student.sum(), student)
    ours = (student / temperature).softmax(-1)
    theirs = (teacher / temperature).softmax(-1)
    rows, gradient = pearson(ours, theirs, dim=1)
    classes, of_classes = pearson(ours, theirs, dim=0)
    value = beta * (1 - rows.mean()) + gamma * (1 - classes.mean())
    gradient.mul_(-beta / rows.numel()).sub_(of_classes, alpha=gamma / classes.numel())
    # through the softmax: p · (g - sum of p · g), over T
    gradient.sub_((gradient * ours).sum(-1, keepdim=True)).mul_(ours)
    return ClosedForm(value, gradient, temperature, temperature**2)
