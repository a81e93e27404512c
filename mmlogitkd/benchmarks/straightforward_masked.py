"""The straightforward losses that set classes of a row apart: by masks over all C classes.

What a mask leaves out gets the dtype's lowest finite logit, so that its probability is 0. See
:mod:`.straightforward` for arguments and results.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor

from .straightforward import softmax_kl

__all__ = ['dkd', 'gdkd', 'ldrld', 'nkd', 'rld', 'sdd']


def _only(logits: Tensor, mask: Tensor) -> Tensor:
    """The logits with all classes but the mask's given the probability 0, (N, C)."""
    return logits.masked_fill(~mask, torch.finfo(logits.dtype).min)


def _mask(logits: Tensor, index: Tensor) -> Tensor:
    """Where the classes ``index`` (N, k) are, as bool (N, C)."""
    return torch.zeros_like(logits, dtype=torch.bool).scatter_(1, index, True)


def _masked_kl(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """KL of the softmaxes over the mask's classes, (N,)."""
    return softmax_kl(_only(student, mask), _only(teacher, mask))


def _two_way_kl(student: Tensor, teacher: Tensor) -> Tensor:
    """KL of (p, 1 - p) for two tensors (N,) of p."""
    first = teacher * (teacher.log() - student.log())
    return first + (1 - teacher) * ((1 - teacher).log() - (1 - student).log())


def dkd(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    alpha: float = 1.0,
    beta: float = 8.0,
    temperature: float = 4.0,
) -> Tensor:
    """The label's class against the others, and the others among themselves."""
    student, teacher = student / temperature, teacher / temperature
    label = _mask(student, target.unsqueeze(1))
    tckd = _two_way_kl((student.softmax(1) * label).sum(1), (teacher.softmax(1) * label).sum(1))
    return temperature**2 * (alpha * tckd + beta * _masked_kl(student, teacher, ~label))


def nkd(
    student: Tensor, teacher: Tensor, target: Tensor, gamma: float = 1.5, temperature: float = 1.0
) -> Tensor:
    """Cross-entropy at the label's class, and of the normalised others."""
    label = _mask(student, target.unsqueeze(1))
    own = ((teacher.softmax(1) * student.log_softmax(1)) * label).sum(1)
    others_s = _only(student / temperature, ~label).log_softmax(1)
    others_t = _only(teacher / temperature, ~label).softmax(1)
    return -own - gamma * temperature**2 * (others_t * others_s).sum(1)


def rld(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    alpha: float = 1.0,
    beta: float = 8.0,
    temperature: float = 4.0,
    alpha_temperature: float = 1.0,
) -> Tensor:
    """Confidences, and the classes that the teacher puts below the label's."""
    label = _mask(student, target.unsqueeze(1))
    confidence = _two_way_kl(
        ((student / alpha_temperature).softmax(1) * label).sum(1),
        (teacher / alpha_temperature).softmax(1).amax(1),
    )
    below = teacher < (teacher * label).sum(1, keepdim=True)
    masked = _masked_kl(student / temperature, teacher / temperature, below)
    return alpha * alpha_temperature**2 * confidence + beta * temperature**2 * masked


def gdkd(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    topk: int = 5,
    w0: float = 1.0,
    w1: float = 2.0,
    w2: float = 8.0,
    temperature: float = 4.0,
) -> Tensor:
    """The teacher's top k against the rest, and each part by itself."""
    student, teacher = student / temperature, teacher / temperature
    top = _mask(student, teacher.topk(topk, dim=1).indices)
    mass = _two_way_kl((student.softmax(1) * top).sum(1), (teacher.softmax(1) * top).sum(1))
    inside, outside = _masked_kl(student, teacher, top), _masked_kl(student, teacher, ~top)
    return temperature**2 * (w0 * mass + w1 * inside + w2 * outside)


def ldrld(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    depth: int = 7,
    alpha: float = 10.5,
    beta: float = 7.0,
    temperature: float = 4.0,
    eps: float = 1.5,
    delta: float = 2.0,
    decay: float = 0.05,
) -> Tensor:
    """Pairs of the student's top d one after the other, the top d as a set, and the rest."""
    student, teacher = student / temperature, teacher / temperature
    order = student.detach().topk(depth, dim=1).indices
    top = _mask(student, order)
    local = _masked_kl(student, teacher, top)
    pairs = list(combinations(range(depth), 2))
    for i, j in pairs:
        weight = delta * math.exp(-decay * (i + j + 2)) / (eps + j - i)  # ranks count from 1
        local = local + weight * _masked_kl(student, teacher, _mask(student, order[:, [i, j]]))
    local = local / (len(pairs) + 1)
    return temperature**2 * (alpha * local + beta * _masked_kl(student, teacher, ~top))


def sdd(
    base: Callable[[Tensor, Tensor, Tensor], Tensor],
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    beta: float = 2.0,
) -> Tensor:
    """The base on every cell of (N, C, R), one after the other; complementary cells weigh beta."""
    total = student.new_zeros(student.size(0))
    whole = teacher[:, :, 0].argmax(1) == target
    for cell in range(student.size(2)):
        right = teacher[:, :, cell].argmax(1) == target
        weight = torch.where(right == whole, 1.0, beta)
        total = total + weight * base(student[:, :, cell], teacher[:, :, cell], target)
    return total / student.size(2)
