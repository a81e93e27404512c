"""Random numbers that are a function of a key, without disturbing anyone else's."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch.utils.data import get_worker_info

__all__ = ['preserved', 'seed']


def seed(*key: int) -> None:
    """Seed Python's, numpy's and torch's CPU generator by numbers, alike on every machine."""
    text = '/'.join(map(str, key)).encode()
    bits = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), 'little')
    random.seed(bits)
    np.random.seed(bits & 0xFFFFFFFF)  # it takes 32 bits
    torch.default_generator.manual_seed(bits)  # torch.manual_seed would seed CUDA's too


@contextmanager
def preserved() -> Iterator[None]:
    """Let the three generators go on afterwards as if nothing had been drawn in this block.

    In a worker process, which only loads data, nothing is done.
    """
    if get_worker_info() is not None:
        yield
        return
    python, legacy, tensor = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
        torch.set_rng_state(tensor)
