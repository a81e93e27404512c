"""Add up the time that parts of a training step take, the device's work included."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

import torch
from torch import nn

__all__ = ['Stopwatch']


class Stopwatch:
    """Seconds between start and stop, over any number of times; nested starts count once.

    On CUDA it waits for the device at both ends, so that a part's time is the time of its work and
    not of its launch. That makes the whole step slower than an unwatched one.

    Args:
        device: where the work is done.

    Attributes:
        seconds: total so far.
    """

    def __init__(self, device: torch.device) -> None:
        self.seconds = 0.0
        self._device = device
        self._depth = 0
        self._started = 0.0

    def start(self, *_: Any) -> None:
        """Start; usable as a module's forward or backward pre-hook."""
        if self._depth == 0:
            self._started = self._now()
        self._depth += 1

    def stop(self, *_: Any) -> None:
        """Stop; usable as a module's forward or backward hook."""
        self._depth -= 1
        if self._depth == 0:
            self.seconds += self._now() - self._started

    def reset(self) -> None:
        """Forget what was counted."""
        self.seconds = 0.0

    def __enter__(self) -> None:
        self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def watch(self, module: nn.Module) -> None:
        """Count the module's forward pass and its backward pass, down to its inputs' gradients."""
        module.register_forward_pre_hook(self.start)
        module.register_forward_hook(self.stop)
        module.register_full_backward_pre_hook(self.start)
        module.register_full_backward_hook(self.stop)

    def _now(self) -> float:
        if self._device.type == 'cuda':
            torch.cuda.synchronize(self._device)
        return time.perf_counter()
