"""Losses as one writes them from the papers' formulas: what the package's own are compared with.

Every function takes logits (N, C) and labels (N,), with the published hyper-parameters as defaults,
and returns the rows' losses (N,), or the batch mean where rows are coupled. This file has the
losses that take the classes of a row as a whole, :mod:`.straightforward_masked` those that set some
apart. They are correct for logits of moderate size, in the logits' own precision, and check
nothing.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['binary_kd', 'dist', 'kd', 'lskd', 'luminet', 'mlkd', 'softmax_kl', 'ttm', 'wttm']


def softmax_kl(student: Tensor, teacher: Tensor) -> Tensor:
    """Return KL(softmax(teacher) || softmax(student)) of every row, (N, C) -> (N,)."""
    return F.kl_div(student.log_softmax(1), teacher.softmax(1), reduction='none').sum(1)


def kd(student: Tensor, teacher: Tensor, target: Tensor, temperature: float = 4.0) -> Tensor:
    """T² · KL of the softmaxes at T."""
    return temperature**2 * softmax_kl(student / temperature, teacher / temperature)


def lskd(
    student: Tensor, teacher: Tensor, target: Tensor, temperature: float = 2.0, eps: float = 1e-7
) -> Tensor:
    """KD of rows that are standardised over their classes."""
    student, teacher = (
        (logits - logits.mean(1, keepdim=True)) / (logits.std(1, keepdim=True) + eps)
        for logits in (student, teacher)
    )
    return kd(student, teacher, target, temperature)


def ttm(student: Tensor, teacher: Tensor, target: Tensor, gamma: float = 0.1) -> Tensor:
    """KL of the teacher's normalised p^gamma and the student's softmax."""
    power = teacher.softmax(1) ** gamma
    transformed = power / power.sum(1, keepdim=True)
    return F.kl_div(student.log_softmax(1), transformed, reduction='none').sum(1)


def wttm(student: Tensor, teacher: Tensor, target: Tensor, gamma: float = 0.1) -> Tensor:
    """TTM, a row weighted by its sum of p^gamma."""
    return (teacher.softmax(1) ** gamma).sum(1) * ttm(student, teacher, target, gamma)


def dist(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    beta: float = 1.0,
    gamma: float = 1.0,
    temperature: float = 1.0,
) -> Tensor:
    """One minus Pearson's correlation of the softmaxes, over classes and over the batch."""

    def correlation(first: Tensor, second: Tensor) -> Tensor:
        first = first - first.mean(1, keepdim=True)
        second = second - second.mean(1, keepdim=True)
        return (first * second).sum(1) / (first.norm(dim=1) * second.norm(dim=1) + 1e-8)

    student, teacher = (student / temperature).softmax(1), (teacher / temperature).softmax(1)
    inter = 1 - correlation(student, teacher).mean()
    intra = 1 - correlation(student.t(), teacher.t()).mean()
    return temperature**2 * (beta * inter + gamma * intra)


def mlkd(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    temperatures: tuple[float, ...] = (2, 3, 4, 5, 6),
) -> Tensor:
    """KD and the Gram matrices of the batch (N, N) and of the classes (C, C), for every T."""
    rows, classes = student.shape
    total = student.new_zeros(())
    for temperature in temperatures:
        prob_s, prob_t = (student / temperature).softmax(1), (teacher / temperature).softmax(1)
        instance = kd(student, teacher, target, temperature).mean()
        batch = (prob_s @ prob_s.t() - prob_t @ prob_t.t()).pow(2).sum() / rows
        columns = (prob_s.t() @ prob_s - prob_t.t() @ prob_t).pow(2).sum() / classes
        total = total + instance + batch + columns
    return total


def luminet(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    alpha: float = 33.0,
    temperature: float = 4.0,
    eps: float = 1e-5,
) -> Tensor:
    """alpha² · KL of logits that are standardised over the batch."""
    perceived, expected = (
        (logits - logits.mean(0)) / torch.sqrt(logits.var(0, unbiased=False) + eps)
        for logits in (student, teacher)
    )
    return alpha**2 * softmax_kl(perceived / temperature, expected / temperature)


def binary_kd(student: Tensor, teacher: Tensor, target: Tensor, beta: float = 1.0) -> Tensor:
    """Sum over classes of |σ(t) - σ(s)|^beta · BCE(σ(s), σ(t))."""
    prob = teacher.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(student, prob, reduction='none')
    return ((prob - student.sigmoid()).abs().pow(beta) * entropy).sum(1)
