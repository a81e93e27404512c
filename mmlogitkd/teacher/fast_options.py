"""What a user may say about the teacher's fast path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch

__all__ = ['PRECISIONS', 'FastOptions']

PRECISIONS: dict[str, torch.dtype | None] = dict(
    student=None, float32=torch.float32, bfloat16=torch.bfloat16, float16=torch.float16
)


@dataclass(frozen=True)
class FastOptions:
    """The switches of the fast path; the defaults change no answer by more than 1e-5.

    Attributes:
        fuse: fold batch norms into the convolutions before them.
        channels_last: memory format of feature maps. ``'auto'`` is channels-last for convolutional
            networks on CPUs and, in reduced precision, on CUDA.
        inference_mode: run in PyTorch's inference mode, else only without gradient.
        skip_unused: leave out the layers of a detector's head that only boxes need.
        precision: ``'student'`` follows the autocast that the student's step runs in;
            ``'float32'``, ``'bfloat16'`` and ``'float16'`` (CUDA only) do not.
        compile: compile backbone and neck with ``torch.compile``; a dict is its arguments.
    """

    fuse: bool = True
    channels_last: bool | str = 'auto'
    inference_mode: bool = True
    skip_unused: bool = True
    precision: str = 'student'
    compile: bool | Mapping[str, Any] = False

    @classmethod
    def of(cls, fast: bool | Mapping[str, Any]) -> FastOptions:
        """Read what a config says: a dict of some switches, True for all defaults, False for none.

        Raises:
            ValueError: an unknown switch or value; names the legal ones.
        """
        if isinstance(fast, bool):
            return cls() if fast else cls(False, False, False, False)
        names = [field.name for field in fields(cls)]
        if not isinstance(fast, Mapping) or set(fast) - set(names):
            raise ValueError(f'teacher.fast={fast!r}: True, False or a dict of {names} expected')
        return cls(**fast)

    def __post_init__(self) -> None:
        legal: dict[str, tuple[Any, ...]] = dict.fromkeys(
            ('fuse', 'inference_mode', 'skip_unused'), (True, False)
        )
        legal |= dict(channels_last=('auto', True, False), precision=tuple(PRECISIONS))
        for name, values in legal.items():
            value = getattr(self, name)
            if not any(type(value) is type(one) and value == one for one in values):
                raise ValueError(f'teacher.fast.{name}={value!r}: one of {values} expected')
        if not isinstance(self.compile, (bool, Mapping)):
            raise ValueError(
                f"teacher.fast.compile={self.compile!r}: True, False, or a dict of torch.compile's "
                'arguments expected'
            )

    def check_device(self, device: torch.device) -> None:
        """Refuse what a device cannot do.

        Raises:
            ValueError: float16 anywhere but on CUDA.
        """
        if self.precision == 'float16' and device.type != 'cuda':
            raise ValueError(
                f"teacher.fast.precision='float16' on {device.type}: only CUDA computes in it; use "
                "'bfloat16' or 'float32'"
            )
