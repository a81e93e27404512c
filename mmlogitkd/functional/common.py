"""What the formulas share: precision, and divergences computed from logits in log space."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

Function = TypeVar('Function', bound=Callable[..., Tensor])


def full_precision(function: Function) -> Function:
    """Run ``function(student, teacher, ...)`` in float32 or above, outside autocast.

    Args:
        function: Takes the student's and the teacher's logits first.

    Returns:
        The same function; half and bfloat16 logits reach it as float32, float64 stays.
    """

    @functools.wraps(function)
    def wrapper(student: Tensor, teacher: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        dtype = torch.promote_types(torch.promote_types(student.dtype, teacher.dtype), torch.float)
        with torch.autocast(student.device.type, enabled=False):
            return function(student.to(dtype), teacher.to(dtype), *args, **kwargs)

    return wrapper  # type: ignore[return-value]


def softmax_kl(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(softmax(teacher) || softmax(student)) over the last dimension.

    Args:
        student: Logits (..., C), already divided by the temperature.
        teacher: Logits (..., C), likewise.

    Returns:
        Divergences (...), in nats.
    """
    log_student, log_teacher = student.log_softmax(-1), teacher.log_softmax(-1)
    return F.kl_div(log_student, log_teacher, reduction='none', log_target=True).sum(-1)


def sigmoid_kl(student: Tensor, teacher: Tensor) -> Tensor:
    """Bernoulli KL(sigmoid(teacher) || sigmoid(student)), elementwise, in nats.

    A probability p = sigmoid(x) has 1 - p = sigmoid(-x): nothing is subtracted from 1, so that
    the divergence is right also where one of the two outcomes holds all the mass.
    """
    yes = teacher.sigmoid() * (F.logsigmoid(teacher) - F.logsigmoid(student))
    no = (-teacher).sigmoid() * (F.logsigmoid(-teacher) - F.logsigmoid(-student))
    return yes + no


def pick_class(logits: Tensor, index: Tensor) -> Tensor:
    """Logits (..., N, C), class indices that broadcast to (..., N) -> the logits (..., N)."""
    index = index.expand(logits.shape[:-1])
    return logits.gather(-1, index.unsqueeze(-1)).squeeze(-1)


def drop_class(logits: Tensor, index: Tensor) -> Tensor:
    """Leave out one class per row.

    Args:
        logits: (..., N, C) with C >= 2.
        index: Class indices that broadcast to (..., N).

    Returns:
        (..., N, C - 1), the other classes in their order.

    Raises:
        ValueError: There is no other class.
    """
    num_classes = logits.size(-1)
    if num_classes < 2:
        raise ValueError(
            f'at least 2 classes are needed to set one apart, got logits of {num_classes} class; '
            'for a single sigmoid output use BinaryKDLoss'
        )
    others = torch.arange(num_classes - 1, device=logits.device)
    # (C - 1,), (..., N, 1) -> (..., N, C - 1): from the dropped class on, take the next one
    others = others + (others >= index.unsqueeze(-1))
    return logits.gather(-1, others.expand(*logits.shape[:-1], num_classes - 1))


def class_logit(logits: Tensor, index: Tensor) -> Tensor:
    """The x with sigmoid(x) = softmax(logits)[index]: that class against all others, (..., N)."""
    return pick_class(logits, index) - drop_class(logits, index).logsumexp(-1)


def split_at_rank(ranking: Tensor, rank: int, *logits: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Split the classes of every row into the ``rank`` highest of ``ranking`` and the rest.

    Args:
        ranking: The logits (..., N, C) that rank the classes; among equals the lower index leads.
        rank: How many classes the first part takes, 0..C.
        logits: Tensors (..., N, C) to split.

    Returns:
        For each of ``logits`` the pair (..., N, rank), (..., N, C - rank), in order of rank.
    """
    order = ranking.argsort(dim=-1, descending=True, stable=True)
    top, rest = order[..., :rank], order[..., rank:]
    return [(x.gather(-1, top), x.gather(-1, rest)) for x in logits]
