"""One batch on which changes of the teacher are tried, and undone if its answer does not stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from .fusion import Pairing, fuse
from .nested import difference, tensors_of
from .unused import drop_box_branch

__all__ = ['TOLERANCE', 'Forward', 'Trial', 'arranged', 'without_tf32']

TOLERANCE = 1e-5
"""How far a proven answer may be from the plain one, relative to its largest magnitude."""

Forward = Callable[[nn.Module, Tensor], Any]
"""Asks a model about images."""

_Pair = tuple[nn.Module, nn.Module]


class Trial:
    """One batch, the plain model's answer to it, and changes that are kept if it stays.

    It has to stay bit for bit where layers are left out, within :data:`TOLERANCE` elsewhere.

    Args:
        model: to be changed.
        forward: asks it.
        inputs: the batch.
        follow: whether convolutions and batch norms are to be paired on the way.
    """

    def __init__(self, model: nn.Module, forward: Forward, inputs: Tensor, follow: bool) -> None:
        self._model, self._forward, self._inputs = model, forward, inputs
        self._pairing = Pairing(model) if follow else None
        self.format = torch.preserve_format
        with self._pairing.following() if self._pairing else nullcontext():
            self._plain = self._ask()
        sizes = [tensor.numel() for tensor in tensors_of(self._plain)]
        self.tells = bool(sizes) and all(sizes)

    def _ask(self) -> Any:
        """The answer of the model as it is now."""
        return self._forward(self._model, arranged(self._inputs, self.format))

    def _gap(self) -> float:
        """How far the changed model's answer is from the plain one; infinite if it fails.

        Layers may insist on shapes or memory formats: so does mmcv's deformable convolution.
        """
        try:
            return difference(self._plain, self._ask())
        except (RuntimeError, ValueError, IndexError):
            return float('inf')

    def _tried(self, undo: Callable[[], None], most: float) -> float:
        """The gap after a change, which is undone if it is larger than ``most``."""
        gap = self._gap()
        if not gap <= most:
            undo()
        return gap

    def skip_unused(self) -> list[str]:
        """Leave out what only boxes need."""
        count, undo = drop_box_branch(self._model)
        if not count:
            return []
        if self._tried(undo, 0.0) == 0:
            return [f'box branch skipped ({count} layers)']
        return ['box branch kept (the class scores depend on it)']

    def fuse(self) -> list[str]:
        """Fold batch norms into convolutions, part by part: what is to be undone takes memory."""
        assert self._pairing is not None
        modules = set(self._model.modules())  # those of a branch that is left out are not there
        pairs = [pair for pair in self._pairing.pairs().items() if set(pair) <= modules]
        fused, gaps, refused = 0, [0.0], 0
        for part in _parts(pairs):
            gap = self._tried(fuse(self._model, dict(part)), TOLERANCE)
            if gap <= TOLERANCE:
                fused += len(part)
                gaps.append(gap)
            else:
                refused += len(part)
        said = [f'{fused} conv+BN fused (max difference {max(gaps):.0e})'] if fused else []
        return said + ([f'{refused} conv+BN not fused (the answer changes)'] if refused else [])

    def arrange(self, memory_format: torch.memory_format) -> list[str]:
        """Keep weights and maps in another memory format."""
        self.format = memory_format
        self._model.to(memory_format=memory_format)  # type: ignore[call-overload]
        gap = self._tried(self._disarrange, TOLERANCE)
        return [
            'channels-last' if gap <= TOLERANCE else f'not channels-last (difference {gap:.0e})'
        ]

    def _disarrange(self) -> None:
        """Undo :meth:`arrange`."""
        self.format = torch.preserve_format
        self._model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def _parts(pairs: Sequence[_Pair], parts: int = 4) -> Iterator[list[_Pair]]:
    """Cut pairs of convolution and norm into a few parts, of about as many weights each."""
    sizes = [sum(p.numel() for p in convolution.parameters()) for convolution, _ in pairs]
    part: list[_Pair] = []
    taken, most = 0, sum(sizes) / parts
    for pair, size in zip(pairs, sizes, strict=True):
        if part and taken + size > most:
            yield part
            part, taken = [], 0
        part.append(pair)
        taken += size
    if part:
        yield part


def arranged(inputs: Tensor, memory_format: torch.memory_format) -> Tensor:
    """Images in a memory format; as they are where none is asked for."""
    wanted = memory_format == torch.channels_last
    return inputs.contiguous(memory_format=memory_format) if wanted else inputs


@contextmanager
def without_tf32(device: torch.device) -> Iterator[None]:
    """Let CUDA compute float32 as such: TF32 differs by more than what is to be proven."""
    if device.type != 'cuda':
        yield
        return
    cudnn = torch.backends.cudnn
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision('highest')
    try:
        with cudnn.flags(
            enabled=cudnn.enabled,
            benchmark=cudnn.benchmark,
            deterministic=cudnn.deterministic,
            allow_tf32=False,
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
