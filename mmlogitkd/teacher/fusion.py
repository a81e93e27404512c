"""Batch norm in eval mode is a scale and a shift: made part of the convolution before it."""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .nested import tensors_of

__all__ = ['Pairing', 'fuse']

# by what they compute: subclasses that inherit it belong to them (mmcv derives SyncBatchNorm)
_CONVOLUTIONS = {nn.Conv1d.forward, nn.Conv2d.forward, nn.Conv3d.forward}
_NORMS = {nn.BatchNorm1d.forward, nn.SyncBatchNorm.forward}  # that of all dimensions is one
_PADDING_CONVOLUTIONS = {'Conv2dAdaptivePadding'}  # mmcv's: pads, and then convolves


@dataclass(eq=False)
class _Output:
    """What one run of a convolution returned, and what became of it."""

    convolution: nn.Module
    tensor: weakref.ref[Tensor]
    norm: nn.Module | None = None
    uses: int = 0


class Pairing:
    """Finds the batch norms that are fed by one convolution and by nothing else.

    The order in which modules are registered or named says nothing about that: pre-activation
    networks run the norm first, a norm may be fed by a concatenation, a convolution may be shared
    by several norms. So the tensors of a real pass are followed. A pair is what met in every run
    of both, where nothing but the norm used the convolution's output.

    Args:
        model: in eval mode. Only plain convolutions, and batch norms with running statistics, are
            looked at, if they have no hooks; transposed convolutions are not.
    """

    def __init__(self, model: nn.Module) -> None:
        bare = [m for m in model.modules() if not m._forward_hooks and not m._forward_pre_hooks]
        self._convolutions = [m for m in bare if _is_convolution(m)]
        self._norms = [m for m in bare if _is_fixed_norm(m)]
        self._outputs: list[_Output] = []
        self._live: dict[int, _Output] = {}
        self._fed: dict[nn.Module, set[nn.Module | None]] = defaultdict(set)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the passes of the model in this block."""
        handles = [m.register_forward_hook(self._returned) for m in self._convolutions]
        handles += [m.register_forward_pre_hook(self._entered) for m in self._norms]
        try:
            with _Uses(self._used):
                yield
        finally:
            for handle in handles:
                handle.remove()

    def pairs(self) -> dict[nn.Module, nn.Module]:
        """Return the batch norm of each convolution that has one of its own."""
        consumers: dict[nn.Module, set[nn.Module | None]] = defaultdict(set)
        for output in self._outputs:
            consumers[output.convolution].add(output.norm if output.uses == 1 else None)
        found = {}
        for convolution, norms in consumers.items():
            norm = next(iter(norms))
            if len(norms) == 1 and norm is not None and self._fed[norm] == {convolution}:
                found[convolution] = norm
        return found

    def _returned(self, module: nn.Module, args: Any, output: Tensor) -> None:
        record = _Output(module, weakref.ref(output))
        self._outputs.append(record)
        self._live[id(output)] = record

    def _entered(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        record = self._record_of(args[0])
        self._fed[module].add(None if record is None else record.convolution)
        if record is not None:
            record.norm = module

    def _used(self, tensor: Tensor) -> None:
        record = self._record_of(tensor)
        if record is not None:
            record.uses += 1

    def _record_of(self, tensor: Tensor) -> _Output | None:
        """The run that returned this very tensor; ids of tensors that are gone return anew."""
        record = self._live.get(id(tensor))
        return record if record is not None and record.tensor() is tensor else None


class _Uses(TorchFunctionMode):
    """Reports every tensor that goes into a function whose result holds tensors."""

    def __init__(self, report: Callable[[Tensor], None]) -> None:
        super().__init__()
        self._report = report

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if any(True for _ in tensors_of(result)):  # asking for a shape or a device uses no values
            for tensor in tensors_of([args, kwargs]):
                self._report(tensor)
        return result


def _is_convolution(module: nn.Module) -> bool:
    """Whether a module is linear in a weight of its own, channel by channel of its output."""
    kind = type(module)
    known = kind.forward in _CONVOLUTIONS or kind.__name__ in _PADDING_CONVOLUTIONS
    return known and isinstance(module._parameters.get('weight'), nn.Parameter)


def _is_fixed_norm(module: nn.Module) -> bool:
    """Whether a module is a batch norm that normalises with what it learned."""
    fixed = not module.training and getattr(module, 'running_var', None) is not None
    return fixed and type(module).forward in _NORMS


def fuse(model: nn.Module, pairs: Mapping[nn.Module, nn.Module]) -> Callable[[], None]:
    """Fold batch norms into their convolutions; their places in ``model`` become identities.

    Args:
        model: holds them.
        pairs: convolution to its batch norm.

    Returns:
        Undoes it.
    """
    before = {module: (module.weight, module.bias) for module in pairs}
    for convolution, norm in pairs.items():
        convolution.weight, convolution.bias = _folded(convolution, norm)
    places = _replace(model, {norm: nn.Identity() for norm in pairs.values()})

    def undo() -> None:
        for convolution, (weight, bias) in before.items():
            convolution.weight, convolution.bias = weight, bias
        for parent, name, norm in places:
            parent._modules[name] = norm

    return undo


@torch.no_grad()
def _folded(convolution: Any, norm: Any) -> tuple[nn.Parameter, nn.Parameter]:
    """Weight and bias of both layers in one: W g / s and (b - m) g / s + h, s = sqrt(v + eps)."""
    mean, variance = norm.running_mean.double(), norm.running_var.double()
    factor = torch.rsqrt(variance + norm.eps)
    if norm.weight is not None:
        factor = factor * norm.weight.double()
    shift = -mean if convolution.bias is None else convolution.bias.double() - mean
    bias = shift * factor
    if norm.bias is not None:
        bias = bias + norm.bias.double()
    old = convolution.weight
    weight = old.double() * factor.view(-1, *[1] * (old.dim() - 1))
    return tuple(nn.Parameter(part.to(old.dtype), False) for part in (weight, bias))  # type: ignore


def _replace(
    model: nn.Module, others: Mapping[nn.Module, nn.Module]
) -> list[tuple[nn.Module, str, nn.Module]]:
    """Put other modules in the place of some, wherever they stand; return (parent, name, old)."""
    places = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent._modules.items()
        if child is not None and child in others
    ]
    for parent, name, child in places:
        parent._modules[name] = others[child].eval()
    return places
