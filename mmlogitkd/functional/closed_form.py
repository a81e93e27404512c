"""Losses that know their gradient: precision, and their place in autograd."""

import functools
from collections.abc import Callable
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

P = ParamSpec('P')
Result = TypeVar('Result')
Function = TypeVar('Function', bound=Callable[..., Tensor])


class ClosedForm(NamedTuple):
    """A loss and its gradient, outside autograd.

    Attributes:
        value: (..., N), or a scalar where it is one for all rows; but for the factor.
        gradient: (..., N, C), of the values with respect to their own row of the student's logits,
            or of the scalar with respect to all of them; but for the scale.
        scale: Multiplies the gradient, in the backward pass.
        factor: Multiplies the value.
    """

    value: Tensor
    gradient: Tensor
    scale: float = 1.0
    factor: float = 1.0

    def mean(self, weight: float = 1.0) -> 'ClosedForm':
        """Average the rows, and multiply the average."""
        value, gradient, scale, factor = self
        share = weight / value.numel()
        return ClosedForm(value.mean(), gradient, share * scale, weight * factor)

    def times(self, weight: float) -> 'ClosedForm':
        """Multiply value and gradient."""
        return self._replace(scale=weight * self.scale, factor=weight * self.factor)


class Loss(Protocol[P]):
    """A differentiable loss, and the closed form that it is made of."""

    form: Callable[Concatenate[Tensor, Tensor, P], ClosedForm]

    def __call__(
        self, student: Tensor, teacher: Tensor, *args: P.args, **kwargs: P.kwargs
    ) -> Tensor:
        """Give the value; gradients flow into the student's logits, none into the teacher's."""


class _KnownGradient(torch.autograd.Function):
    """The value, with a gradient that is already there."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, found: ClosedForm) -> Tensor:
        # an inference tensor cannot be saved for backward, and need not: nothing refers back to it
        ctx.gradient, ctx.scale = found.gradient, found.scale
        return found.value.clone() if found.factor == 1 else found.factor * found.value

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        # with create_graph the answer says that it has no history; the way there takes time
        return (_chained_once if torch.is_grad_enabled() else _chained)(ctx, grad)


def _chained(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
    grad = ctx.scale * grad
    grad = grad.unsqueeze(-1) if grad.dim() else grad
    return grad * ctx.gradient, None


_chained_once = once_differentiable(_chained)


def differentiable(
    student: Tensor, teacher: Tensor, form: Callable[[Tensor, Tensor], ClosedForm]
) -> Tensor:
    """Give the value of a closed form, and to autograd its gradient.

    The losses know their gradients from tensors that the value needs anyway. It costs less than
    half of what recording every operation costs, in time and in memory: one tensor is kept for the
    backward pass, and nothing of autograd's bookkeeping runs in the formula. A gradient of the
    gradient cannot be had from it, and asking for one is an error.

    Args:
        student: Logits (..., N, C).
        teacher: Logits (..., N, C); no gradient flows into them.
        form: Takes both without history, in float32 or above, outside autocast and in inference
            mode; it may change neither.

    Returns:
        The value, float32 or above.
    """
    dtype = _common_dtype(student, teacher)
    student = student.to(dtype)

    def compute() -> ClosedForm:
        return form(student.detach(), teacher.detach().to(dtype))

    if torch.compiler.is_compiling():  # a graph has no bookkeeping to save
        found = _without_autocast(student.device.type, compute)
    else:
        with torch.inference_mode():
            found = _without_autocast(student.device.type, compute)
    return _KnownGradient.apply(student, found)


BLOCK = 2**18
"""Logits that a CPU's caches hold, with what is computed from them: a megabyte of float32."""


def in_blocks(
    form: Callable[[Tensor, Tensor, Tensor | None], ClosedForm],
    student: Tensor,
    teacher: Tensor,
    target: Tensor | None,
) -> ClosedForm:
    """Evaluate a closed form whose rows do not depend on each other, on a CPU some rows at a time.

    A large batch then takes no memory beyond the gradient, and less time: a block's tensors stay in
    the caches, and are small enough for the allocator to use again. Logits that are not contiguous
    are evaluated at once, as every block would read through all of their memory.

    Args:
        form: Takes student, teacher and target, and gives one value per row.
        student: Logits (N, C), or (R, N, C), of which some R are taken at a time.
        teacher: Logits of the same shape.
        target: Labels (N,), or None.
    """
    large = student.numel() > BLOCK and student.device.type == 'cpu' and student.is_contiguous()
    if not large or torch.compiler.is_compiling():
        return form(student, teacher, target)
    step = max(BLOCK // student[0].numel(), 1)
    gradient, values = torch.empty_like(student), []
    for start in range(0, student.size(0), step):
        block = slice(start, start + step)
        labels = target if target is None or student.dim() > 2 else target[block]
        found = form(student[block], teacher[block], labels)
        gradient[block] = found.gradient
        values.append(found.value)
    return found._replace(value=torch.cat(values), gradient=gradient)


def closed_form(function: Callable[Concatenate[Tensor, Tensor, P], ClosedForm]) -> Loss[P]:
    """Make a differentiable loss of ``function(student, teacher, ...)``, a closed form.

    Returns:
        A function of the same arguments, as :func:`differentiable` makes it; its attribute ``form``
        is the function that was given.
    """

    @functools.wraps(function)
    def wrapper(student: Tensor, teacher: Tensor, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        return differentiable(student, teacher, lambda s, t: function(s, t, *args, **kwargs))

    wrapper.form = function  # type: ignore[attr-defined]
    return wrapper  # type: ignore[return-value]


def full_precision(function: Function) -> Function:
    """Run ``function(student, teacher, ...)`` in float32 or above, outside autocast.

    For losses that autograd differentiates; :func:`differentiable` does the same for the others.

    Args:
        function: Takes the student's and the teacher's logits first.

    Returns:
        The same function; half and bfloat16 logits reach it as float32, float64 stays, and the
        teacher's come detached: no gradient flows into them.
    """

    @functools.wraps(function)
    def wrapper(student: Tensor, teacher: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        dtype = _common_dtype(student, teacher)

        def compute() -> Tensor:
            return function(student.to(dtype), teacher.detach().to(dtype), *args, **kwargs)

        return _without_autocast(student.device.type, compute)

    return wrapper  # type: ignore[return-value]


def _common_dtype(student: Tensor, teacher: Tensor) -> torch.dtype:
    """Give the precision of the formulas: float64 if a model has it, else float32."""
    return torch.promote_types(torch.promote_types(student.dtype, teacher.dtype), torch.float32)


def _without_autocast(device: str, compute: Callable[[], Result]) -> Result:
    if not torch.is_autocast_enabled(device):  # as without AMP; the block takes microseconds
        return compute()
    with torch.autocast(device, enabled=False):
        return compute()
