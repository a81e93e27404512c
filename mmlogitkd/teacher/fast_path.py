"""Asking the teacher at the least cost, in ways that are proven on the first batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from .build import preserved_random_state
from .fast_options import PRECISIONS, FastOptions
from .trial import Forward, Trial, arranged, without_tf32

__all__ = ['FastPath']


class FastPath:
    """Changes a frozen model so that it answers faster, and runs it.

    Whatever could change an answer is tried on the first batch, in float32, and kept only if the
    answer stays, see :class:`~mmlogitkd.teacher.trial.Trial`. All batches, the first too, get the
    answer of the changed model, so that a resumed run is one with an uninterrupted run.

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
            return forward(self._model, arranged(inputs, self._format))

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
            without_tf32(self._device),
        ):
            trial = Trial(self._model, forward, inputs.float(), self._options.fuse)
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


def _is_convolutional(model: nn.Module) -> bool:
    """Whether most of a model's weights are those of 2D convolutions."""
    kernels = [m.weight.numel() for m in model.modules() if isinstance(m, nn.Conv2d)]
    return 2 * sum(kernels) > sum(parameter.numel() for parameter in model.parameters())
