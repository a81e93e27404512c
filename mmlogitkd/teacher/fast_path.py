"""Asking the teacher at the least cost, in ways that are proven on the first batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from .build import preserved_random_state
from .fast_options import PRECISIONS, FastOptions
from .fusion import Pairing, fuse
from .nested import difference, tensors_of
from .unused import drop_box_branch

__all__ = ['TOLERANCE', 'FastPath']

TOLERANCE = 1e-5
"""How far a proven answer may be from the plain one, relative to its largest magnitude."""

Forward = Callable[[nn.Module, Tensor], Any]


class FastPath:
    """Changes a frozen model so that it answers faster, and runs it.

    Whatever could change an answer is tried on the first batch, in float32, and kept only if the
    answer stays: bit for bit where layers are left out, within :data:`TOLERANCE` elsewhere. All
    batches, the first too, get the answer of the changed model, so that a resumed run is one with
    an uninterrupted run.

    Args:
        model: frozen, in eval mode.
        options: what to do.

    Attributes:
        report: what was done, in words; empty until a batch has been seen.

    Raises:
        ValueError: the model's device cannot compute in the precision that is asked for.
    """

    def __init__(self, model: nn.Module, options: FastOptions) -> None:
        self._model = model
        self._options = options
        self._device = next(model.parameters()).device
        options.check_device(self._device)
        self.report = ''
        self._settled = False
        self._format = torch.preserve_format

    def run(self, forward: Forward, inputs: Tensor) -> Any:
        """Return ``forward(model, inputs)``."""
        if not self._settled:
            self._settle(forward, inputs)
        with self.mode():
            return forward(self._model, _arranged(inputs, self._format))

    @contextmanager
    def mode(self) -> Iterator[None]:
        """No gradient, or inference mode, and the precision, of any pass of the model."""
        with ExitStack() as stack:
            wanted = self._options.inference_mode
            stack.enter_context(torch.inference_mode() if wanted else torch.no_grad())
            dtype = PRECISIONS[self._options.precision]
            if dtype is not None:
                stack.enter_context(self._autocast(dtype))
            yield

    def usable(self, tensor: Tensor) -> Tensor:
        """Return an answer as the losses can take it: fit for autograd, in float32 if asked."""
        if self._options.precision != 'student':
            tensor = tensor.float()
        return tensor.clone() if tensor.is_inference() else tensor

    def _autocast(self, dtype: torch.dtype) -> Any:
        """Autocast to ``dtype``; none for float32."""
        if dtype == torch.float32:
            return torch.autocast(self._device.type, enabled=False)
        return torch.autocast(self._device.type, dtype=dtype)

    def _settle(self, forward: Forward, inputs: Tensor) -> None:
        """Make every change that is wanted, and that the answer to this batch allows.

        A batch without any row proves nothing; then the next one is waited for.
        """
        channels_last = inputs.dim() == 4 and self._wants_channels_last()
        said: list[str] | None = []
        if self._options.skip_unused or self._options.fuse or channels_last:
            said = self._proven(forward, inputs, channels_last)
        if said is None:
            return
        said += self._compile()
        said += ['inference mode'] if self._options.inference_mode else []
        precision = self._options.precision
        said += ["the student's precision" if precision == 'student' else precision]
        self._settled = True
        self.report = ', '.join(said)
        print_log(f'Teacher fast path: {self.report}', logger='current')

    def _proven(self, forward: Forward, inputs: Tensor, channels_last: bool) -> list[str] | None:
        """Try changes on a batch; return what came of it, None if the batch proves nothing."""
        with (
            preserved_random_state(),
            torch.no_grad(),
            self._autocast(torch.float32),
            _without_tf32(self._device),
        ):
            trial = _Trial(self._model, forward, inputs.float(), self._options.fuse)
            if not trial.tells:
                return None
            said = trial.skip_unused() if self._options.skip_unused else []
            said += trial.fuse() if self._options.fuse else []
            said += trial.arrange(torch.channels_last) if channels_last else []
            self._format = trial.format
            return said

    def _wants_channels_last(self) -> bool:
        """Whether feature maps are to be kept channels-last; 'auto' follows measurements."""
        wanted = self._options.channels_last
        if isinstance(wanted, bool):
            return wanted
        if self._device.type == 'cuda':
            reduced = self._options.precision in ('bfloat16', 'float16')
            follows = self._options.precision == 'student' and torch.is_autocast_enabled()
            return reduced or follows
        return self._device.type == 'cpu' and _is_convolutional(self._model)

    def _compile(self) -> list[str]:
        """Compile backbone and neck where they stand; heads and whatever is tapped stay eager."""
        wanted = self._options.compile
        if wanted is False:
            return []
        model: Any = self._model
        neck = getattr(model, 'neck', None)
        detects = hasattr(model, 'bbox_head') or hasattr(model, 'roi_head')
        arguments = dict(dynamic=True) if detects else {}  # detectors see images of many sizes
        arguments |= dict(wanted) if isinstance(wanted, Mapping) else {}
        parts = dict(backbone=model.backbone)
        if isinstance(neck, nn.Module) and any(True for _ in neck.parameters()):
            parts['neck'] = neck
        for part in parts.values():
            part.compile(**arguments)
        return [f'{" and ".join(parts)} compiled']


class _Trial:
    """One batch, the plain model's answer to it, and changes that are kept if it stays.

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
        return self._forward(self._model, _arranged(self._inputs, self.format))

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


_Pair = tuple[nn.Module, nn.Module]


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


def _arranged(inputs: Tensor, memory_format: torch.memory_format) -> Tensor:
    """Images in a memory format; as they are where none is asked for."""
    wanted = memory_format == torch.channels_last
    return inputs.contiguous(memory_format=memory_format) if wanted else inputs


def _is_convolutional(model: nn.Module) -> bool:
    """Whether most of a model's weights are those of 2D convolutions."""
    kernels = [m.weight.numel() for m in model.modules() if isinstance(m, nn.Conv2d)]
    return 2 * sum(kernels) > sum(parameter.numel() for parameter in model.parameters())


@contextmanager
def _without_tf32(device: torch.device) -> Iterator[None]:
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
