"""What the formulas share: precision, divergences in log space, and their gradients."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import logsigmoid

Function = TypeVar('Function', bound=Callable[..., Tensor])


def full_precision(function: Function) -> Function:
    """Run ``function(student, teacher, ...)`` in float32 or above, outside autocast.

    Args:
        function: Takes the student's and the teacher's logits first.

    Returns:
        The same function; half and bfloat16 logits reach it as float32, float64 stays, and the
        teacher's come detached: no gradient flows into them.
    """

    @functools.wraps(function)
    def wrapper(student: Tensor, teacher: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        dtype = torch.promote_types(torch.promote_types(student.dtype, teacher.dtype), torch.float)
        device, teacher = student.device.type, teacher.detach()
        if not torch.is_autocast_enabled(device):  # as without AMP; the block takes microseconds
            return function(student.to(dtype), teacher.to(dtype), *args, **kwargs)
        with torch.autocast(device, enabled=False):
            return function(student.to(dtype), teacher.to(dtype), *args, **kwargs)

    return wrapper  # type: ignore[return-value]


_NEXT_TO_NOTHING = -80.0  # the logarithm of a probability that float32 still holds, 2e-35


class _KnownGradient(torch.autograd.Function):
    """A value per row, whose gradient with respect to the row is already there."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, value: Tensor, gradient: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(gradient)
        ctx.scale = scale
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return (ctx.scale * grad).unsqueeze(-1) * gradient, None, None, None


def with_gradient(logits: Tensor, value: Tensor, gradient: Tensor, scale: float = 1.0) -> Tensor:
    """Give ``value`` the gradient ``scale * gradient`` with respect to ``logits``.

    The losses know their gradients in closed form, from tensors that the value needs anyway. It
    costs less than half of what recording every operation costs, in time and in memory: one tensor
    is kept for the backward pass. A gradient of the gradient cannot be had from it, and asking for
    one is an error.

    Args:
        logits: (..., N, C), from which value and gradient were computed.
        value: (..., N), without gradient.
        gradient: (..., N, C), of each value with respect to its own row, but for the scale.
        scale: Multiplies the gradient when it is needed.

    Returns:
        (..., N), equal to ``value``.
    """
    return _KnownGradient.apply(logits, value, gradient, scale)


class Divergence(NamedTuple):
    """A divergence between two softmaxes, and what its gradient is made of.

    Attributes:
        value: KL(teacher || student), (...), in nats.
        student: The student's probabilities (..., C).
        teacher: The teacher's probabilities (..., C).
        masses: The logarithms of both models' sums of exponentials (2, ...), if asked for.
    """

    value: Tensor
    student: Tensor
    teacher: Tensor
    masses: Tensor | None = None

    def gradient(self) -> Tensor:
        """Of the value with respect to the student's logits; takes over ``student``'s memory."""
        return self.student.sub_(self.teacher)


def divergence(
    student: Tensor,
    teacher: Tensor,
    temperature: float,
    without: Tensor | None = None,
    cross_entropy: bool = False,
    masses: bool = False,
) -> Divergence:
    """KL(softmax(teacher / T) || softmax(student / T)) over the last dimension, outside autograd.

    Three tensors of the logits' size are all that it takes: new memory costs a CPU more than
    arithmetic does. So do exponentials that underflow, up to 40 times as much as others: classes
    that are left out get logarithms that are finite and the same for both, and cancel.

    Args:
        student: Logits (..., C).
        teacher: Logits (..., C).
        temperature: T.
        without: Classes (..., K) to leave out: their probability is next to nothing.
        cross_entropy: Whether the value is the cross-entropy, larger by the teacher's entropy.
        masses: Whether the masses are wanted.

    Raises:
        ValueError: No class is left.
    """
    scratch = torch.empty(student.shape, dtype=student.dtype, device=student.device)
    torch.div(student.detach(), temperature, out=scratch)
    log_student, mass_student = _log_softmax(scratch, without, masses)
    torch.div(teacher, temperature, out=scratch)
    log_teacher, mass_teacher = _log_softmax(scratch, without, masses)
    prob_teacher = torch.exp(log_teacher, out=scratch)
    if cross_entropy:
        change = torch.neg(log_student, out=log_teacher)
    else:
        change = log_teacher.sub_(log_student)
    value = change.mul_(prob_teacher).sum(-1)
    return Divergence(value, log_student.exp_(), prob_teacher, _stacked(mass_student, mass_teacher))


def _stacked(student: Tensor | None, teacher: Tensor | None) -> Tensor | None:
    return None if student is None or teacher is None else torch.stack((student, teacher))


def _log_softmax(
    logits: Tensor, without: Tensor | None, with_mass: bool
) -> tuple[Tensor, Tensor | None]:
    """The logarithm of the softmax over the other classes; changes the logits.

    The mass is taken at the highest logit, where x - log p loses nothing.
    """
    if without is None:
        return logits.log_softmax(-1), None
    require_others(logits, without.size(-1))
    logits.scatter_(-1, without, torch.finfo(logits.dtype).min)
    logs = logits.log_softmax(-1)
    mass = logits.amax(-1) - logs.amax(-1) if with_mass else None
    return logs.scatter_(-1, without, _NEXT_TO_NOTHING), mass


def softmax_kl(
    student: Tensor, teacher: Tensor, temperature: float = 1.0, factor: float = 1.0
) -> Tensor:
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
    value = found.value if factor == 1 else found.value.mul_(factor)
    return with_gradient(student, value, found.gradient(), factor / temperature)


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


def pick(student: Tensor, teacher: Tensor, index: Tensor, temperature: float) -> Tensor:
    """Some classes' logits over the temperature, (..., N, C), (..., N, K) -> (2, ..., N, K)."""
    picked = torch.stack((student.detach().gather(-1, index), teacher.gather(-1, index)))
    return picked if temperature == 1 else picked.div_(temperature)


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
        if not bool((values[..., 1:] == values[..., :-1]).any()):
            return index[..., :depth]
    # as integers, floats keep their order once the negative ones are turned round; the lower half
    # of 64 bits then holds what decides among equals. 0.0 and -0.0 are equals: the sum is 0.0.
    bits = (ranking.float() + 0.0).view(torch.int32)
    bits = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    last = torch.arange(num_classes - 1, -1, -1, device=ranking.device)
    return ((bits.long() << 32) | last).topk(depth, dim=-1).indices
