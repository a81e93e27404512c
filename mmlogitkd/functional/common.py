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
    """

    value: Tensor
    student: Tensor
    teacher: Tensor

    def gradient(self) -> Tensor:
        """Of the value with respect to the student's logits; uses up ``student``'s memory."""
        return self.student.sub_(self.teacher)


def divergence(student: Tensor, teacher: Tensor, without: Tensor | None = None) -> Divergence:
    """KL(softmax(teacher) || softmax(student)) over the last dimension, outside autograd.

    The exponential of a logarithm far below 0 takes a CPU up to 40 times as long as others. Classes
    that are left out get a finite logarithm in both softmaxes, which cancels.

    Args:
        student: Logits (..., C), already divided by the temperature.
        teacher: Logits (..., C), likewise.
        without: The classes (..., K) that :func:`cooled_without` left out.
    """
    log_student, log_teacher = student.log_softmax(-1), teacher.log_softmax(-1)
    if without is not None:
        log_student.scatter_(-1, without, _NEXT_TO_NOTHING)
        log_teacher.scatter_(-1, without, _NEXT_TO_NOTHING)
    prob_teacher = log_teacher.exp()
    value = log_teacher.sub_(log_student).mul_(prob_teacher).sum(-1)
    return Divergence(value, log_student.exp_(), prob_teacher)


def softmax_kl(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(softmax(teacher / T) || softmax(student / T)), with gradient for the student.

    Args:
        student: Logits (..., C).
        teacher: Logits (..., C).
        temperature: T.

    Returns:
        Divergences (...), in nats.
    """
    found = divergence(cooled(student.detach(), temperature), cooled(teacher, temperature))
    return with_gradient(student, found.value, found.gradient(), 1 / temperature)


def cooled(logits: Tensor, temperature: float) -> Tensor:
    """``logits / temperature``, not copied where the temperature is 1."""
    return logits if temperature == 1 else logits / temperature


def bernoulli(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Bernoulli KL(sigmoid(teacher) || sigmoid(student)), elementwise, outside autograd.

    A probability p = sigmoid(x) has 1 - p = sigmoid(-x): nothing is subtracted from 1, so that
    the divergence is right also where one of the two outcomes holds all the mass.

    Args:
        logits: (2, ...), the student's and the teacher's.

    Returns:
        The divergences (...) in nats, and their derivatives (...) with respect to the student's
        logits, sigmoid(student) - sigmoid(teacher).
    """
    log_yes, log_no = logsigmoid(logits), logsigmoid(-logits)
    yes, no = log_yes.exp(), log_no[1].exp()
    value = yes[1] * (log_yes[1] - log_yes[0]) + no * (log_no[1] - log_no[0])
    return value, yes[0] - yes[1]


def pick_class(logits: Tensor, index: Tensor) -> Tensor:
    """Logits (..., N, C), class indices that broadcast to (..., N) -> the logits (..., N)."""
    return logits.gather(-1, columns(logits, index)).squeeze(-1)


def columns(logits: Tensor, index: Tensor) -> Tensor:
    """Class indices that broadcast to (..., N) -> (..., N, 1), to gather from (..., N, C)."""
    return index.expand(logits.shape[:-1]).unsqueeze(-1)


def cooled_without(logits: Tensor, temperature: float, index: Tensor) -> Tensor:
    """``logits / temperature``, some classes of every row at the lowest finite logit.

    Their probability is 0 exactly, and so is their share of a divergence.

    Args:
        logits: (..., N, C).
        temperature: T.
        index: (..., N, K), the classes.

    Returns:
        (..., N, C), a copy.

    Raises:
        ValueError: No class is left.
    """
    num_classes = logits.size(-1)
    if num_classes <= index.size(-1):
        raise ValueError(
            f'at least {index.size(-1) + 1} classes are needed to set {index.size(-1)} apart, got '
            f'logits of {num_classes} class(es); for a single sigmoid output use BinaryKDLoss'
        )
    lowest = torch.finfo(logits.dtype).min
    if temperature == 1:
        return logits.scatter(-1, index, lowest)
    return (logits / temperature).scatter_(-1, index, lowest)


def log_mass(logits: Tensor, probs: Tensor) -> Tensor:
    """The logarithm of the sum of exponentials (..., N), from logits and their softmax.

    At the highest logit, x - log p loses nothing; a second pass of exponentials is not needed.
    """
    return logits.amax(-1) - probs.amax(-1).log()


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
