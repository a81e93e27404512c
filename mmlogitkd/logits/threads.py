"""Work on several images at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

__all__ = ['concurrently']

Result = TypeVar('Result')


def concurrently(works: Sequence[Callable[[], Result]], device: torch.device) -> list[Result]:
    """Call all of them without gradient, in as many threads as there are processors.

    Worth it for what lets other threads of Python run meanwhile, as SciPy's linear assignment does.
    What they return does not depend on how many threads there are.

    Args:
        works: what to call.
        device: where they work; on CUDA they use the stream of the caller.

    Returns:
        What they returned, in their order.
    """
    stream = torch.cuda.current_stream(device) if device.type == 'cuda' else None

    def call(work: Callable[[], Result]) -> Result:
        with _settings_of_the_caller(stream):
            return work()

    if len(works) < 2:
        return [call(work) for work in works]
    with ThreadPoolExecutor(min(len(works), os.cpu_count() or 1)) as pool:
        return list(pool.map(call, works))


@contextmanager
def _settings_of_the_caller(stream: torch.cuda.Stream | None) -> Iterator[None]:
    """Torch keeps gradient mode and stream per thread; a new one starts with the defaults."""
    with torch.no_grad(), torch.cuda.stream(stream):
        yield
