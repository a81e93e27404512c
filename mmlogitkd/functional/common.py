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
        probs: The probabilities (2, ..., C), the student's and the teacher's.
        gradient: Of the value with respect to the student's logits, (..., C).
    """

    value: Tensor
    probs: Tensor
    gradient: Tensor


def cooled(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Both models' logits over the temperature, (..., C) -> (2, ..., C), without gradient.

    Small tensors cost what the number of operations costs: both go through them together.
    """
    both = torch.stack((student.detach(), teacher))
    return both if temperature == 1 else both.div_(temperature)


def divergence(
    both: Tensor, without: Tensor | None = None, cross_entropy: bool = False
) -> Divergence:
    """KL(softmax(teacher) || softmax(student)) over the last dimension, outside autograd.

    The exponential of a logarithm far below 0 takes a CPU up to 40 times as long as others. Classes
    that are left out get a finite logarithm in both softmaxes, which cancels.

    Args:
        both: Logits (2, ..., C), already divided by the temperature.
        without: The classes (..., K) that :func:`leave_out` left out.
        cross_entropy: Whether the value is the cross-entropy, larger by the teacher's entropy.
    """
    both = both.log_softmax(-1)
    if without is not None:
        both.scatter_(-1, without.expand(2, *without.shape), _NEXT_TO_NOTHING)
    change = -both[0] if cross_entropy else both[1] - both[0]
    probs = both.exp_()
    value = (change * probs[1]).sum(-1)
    return Divergence(value, probs, torch.sub(probs[0], probs[1], out=change))


def softmax_kl(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(softmax(teacher / T) || softmax(student / T)), with gradient for the student.

    Args:
        student: Logits (..., C).
        teacher: Logits (..., C).
        temperature: T.

    Returns:
        Divergences (...), in nats.
    """
    found = divergence(cooled(student, teacher, temperature))
    return with_gradient(student, found.value, found.gradient, 1 / temperature)


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
    logs = logsigmoid(torch.stack((both, -both)))  # outcome, model
    probs = logs.exp()
    value = ((logs[:, 1] - logs[:, 0]) * probs[:, 1]).sum(0)
    return value, probs[0, 0] - probs[0, 1]


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


def leave_out(both: Tensor, index: Tensor) -> Tensor:
    """Give some classes of every row the lowest finite logit, whose probability is 0 exactly.

    Args:
        both: Logits (2, ..., N, C), which are changed.
        index: (..., N, K), the classes, the same for both models.

    Returns:
        The logits (2, ..., N, K) that stood there.

    Raises:
        ValueError: No class is left.
    """
    require_others(both, index.size(-1))
    index = index.expand(2, *index.shape)
    taken = both.gather(-1, index)
    both.scatter_(-1, index, torch.finfo(both.dtype).min)
    return taken


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
