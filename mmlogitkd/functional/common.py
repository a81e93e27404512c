"""What the formulas share: divergences in log space with their gradients, and ranks."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from .closed_form import ClosedForm, closed_form

_NEXT_TO_NOTHING = -80.0  # the logarithm of a probability that float32 still holds, 2e-35


class Divergence(NamedTuple):
    """A divergence between two softmaxes, and what its gradient is made of.

    Attributes:
        value: KL(teacher || student), (...), in nats.
        student: The student's probabilities (..., C).
        teacher: The teacher's probabilities (..., C).
    """

    value: Tensor
    student: Tensor
    teacher: Tensor

    def gradient(self) -> Tensor:
        """Of the value with respect to the student's logits; takes over ``student``'s memory."""
        return self.student.sub_(self.teacher)


def divergence(student: Tensor, teacher: Tensor, temperature: float) -> Divergence:
    """KL(softmax(teacher / T) || softmax(student / T)) over the last dimension, outside autograd.

    Three tensors of the logits' size are all that it takes: new memory costs a CPU more than
    arithmetic does.

    Args:
        student: Logits (..., C).
        teacher: Logits (..., C).
        temperature: T.
    """
    scratch = None
    if temperature != 1:
        student = scratch = (student / temperature).contiguous()
    log_student = student.log_softmax(-1)
    if temperature != 1:
        teacher = torch.div(teacher, temperature, out=scratch)
    log_teacher = teacher.log_softmax(-1)
    prob_teacher = torch.exp(log_teacher, out=scratch)
    value = log_teacher.sub_(log_student).mul_(prob_teacher).sum(-1)
    return Divergence(value, log_student.exp_(), prob_teacher)


def over(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Both models' logits (..., C) over the temperature, (2, ..., C)."""
    both = torch.stack((student, teacher))
    return both if temperature == 1 else both.div_(temperature)


def pick(both: Tensor, index: Tensor) -> Tensor:
    """Some classes' logits of both models, (2, ..., N, C), (..., N, K) -> (2, ..., N, K)."""
    return both.gather(-1, index.expand(2, *index.shape))


def leave_out(both: Tensor, index: Tensor) -> Tensor:
    """The logarithms of the softmaxes over all classes but some; overwrites these in the logits.

    Exponentials that underflow cost a CPU up to 40 times as much as others: classes that are left
    out get logarithms that are finite and the same for both models, and cancel.

    Args:
        both: Logits (2, ..., N, C), the student's and the teacher's.
        index: Classes (..., N, K) to leave out: their probability is next to nothing.

    Returns:
        (2, ..., N, C).

    Raises:
        ValueError: No class is left.
    """
    require_others(both, index.size(-1))
    index = index.expand(2, *index.shape)
    logs = both.scatter_(-1, index, torch.finfo(both.dtype).min).log_softmax(-1)
    return logs.scatter_(-1, index, _NEXT_TO_NOTHING)


def mass(logits: Tensor, logs: Tensor) -> Tensor:
    """The logarithm of the sum of exponentials (...), by which logits (..., C) exceed logs.

    It is taken at the highest, where the difference loses nothing.
    """
    return logits.amax(-1) - logs.amax(-1)


def compare(logs: Tensor, scratch: Tensor, cross_entropy: bool = False) -> Divergence:
    """The divergence between two softmaxes, outside autograd; takes over both tensors' memory.

    Args:
        logs: Their logarithms (2, ..., C), the student's and the teacher's.
        scratch: Of the same shape, for the probabilities.
        cross_entropy: Whether the value is the cross-entropy, larger by the teacher's entropy.
    """
    prob_student, prob_teacher = torch.exp(logs, out=scratch).unbind()
    log_student, log_teacher = logs.unbind()
    change = log_student.neg_() if cross_entropy else log_teacher.sub_(log_student)
    return Divergence(change.mul_(prob_teacher).sum(-1), prob_student, prob_teacher)


def kl_form(
    student: Tensor, teacher: Tensor, temperature: float = 1.0, factor: float = 1.0
) -> ClosedForm:
    """The value factor · KL(softmax(teacher / T) || softmax(student / T)), with its gradient.

    Args:
        student: Logits (..., C).
        teacher: Logits (..., C).
        temperature: T.
        factor: Multiplies the divergences.

    Returns:
        (...), in nats where the factor is 1.
    """
    found = divergence(student, teacher, temperature)
    return ClosedForm(found.value, found.gradient(), factor / temperature, factor)


softmax_kl = closed_form(kl_form)


def bernoulli(both: Tensor) -> tuple[Tensor, Tensor]:
    """Bernoulli KL(sigmoid(teacher) || sigmoid(student)), elementwise, outside autograd.

    A probability p = sigmoid(x) has 1 - p = sigmoid(-x): nothing is subtracted from 1, so that
    the divergence is right also where one of the two outcomes holds all the mass.

    Args:
        both: Logits (2, ...), the student's and the teacher's.

    Returns:
        The divergences (...) in nats, and their derivatives (...) with respect to the student's
        logits, sigmoid(student) - sigmoid(teacher).
    """
    logs = logsigmoid(torch.stack((both, -both), 1))  # model, outcome
    log_student, log_teacher = logs.unbind()
    prob_student, prob_teacher = logs.exp().unbind()
    value = ((log_teacher - log_student) * prob_teacher).sum(0)
    return value, prob_student[0] - prob_teacher[0]


def columns(logits: Tensor, index: Tensor) -> Tensor:
    """Class indices that broadcast to (..., N) -> (..., N, 1), to gather from (..., N, C)."""
    return index.expand(logits.shape[:-1]).unsqueeze(-1)


def require_others(logits: Tensor, left_out: int = 1) -> None:
    """Raise ValueError where logits (..., C) have no class beside those that are set apart."""
    num_classes = logits.size(-1)
    if num_classes <= left_out:
        raise ValueError(
            f'at least {left_out + 1} classes are needed to set {left_out} apart, got logits of '
            f'{num_classes} class(es); for a single sigmoid output use BinaryKDLoss'
        )


def rank(ranking: Tensor, depth: int) -> Tensor:
    """The ``depth`` highest classes of every row, in their order; among equals the lower leads.

    Args:
        ranking: Logits (..., N, C).
        depth: 0..C.

    Returns:
        Class indices (..., N, depth).
    """
    num_classes = ranking.size(-1)
    if ranking.dtype == torch.float64:
        return ranking.argsort(dim=-1, descending=True, stable=True)[..., :depth]
    if ranking.device.type == 'cpu' and not torch.compiler.is_compiling():
        # one more shows a tie at the edge; a look at the values costs nothing on this device
        values, index = ranking.topk(min(depth + 1, num_classes), dim=-1)
        if bool(values.diff().all()):
            return index[..., :depth]
    # as integers, floats keep their order once the negative ones are turned round; the lower half
    # of 64 bits then holds what decides among equals. 0.0 and -0.0 are equals: the sum is 0.0.
    bits = (ranking.float() + 0.0).view(torch.int32)
    bits = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    last = torch.arange(num_classes - 1, -1, -1, device=ranking.device)
    return ((bits.long() << 32) | last).topk(depth, dim=-1).indices
