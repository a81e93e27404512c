"""Random numbers that are a function of a key, without disturbing anyone else's."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.random import mtrand
from torch.utils.data import get_worker_info

__all__ = ['key_of', 'seeded']

_OWN = np.random.MT19937(0)  # numpy's functions draw from it inside `seeded`, see there


def key_of(seed: int, view: int, index: int) -> int:
    """Return 64 bits that depend on all three numbers, the same on every machine."""
    text = f'{seed}/{view}/{index}'.encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), 'little')


@contextmanager
def seeded(key: int) -> Iterator[None]:
    """Seed Python's, numpy's and torch's CPU generator for this block.

    In the main process all three go on afterwards as if nothing had been drawn (but for the second
    of two normal numbers, which numpy's old functions keep in reserve): with ``num_workers=0`` the
    training draws from them too. A worker process only loads data, and is spared the copies.
    CUDA's generators are not touched.

    Args:
        key: up to 64 bits.
    """
    if get_worker_info() is not None:
        _seed(key)
        yield
        return
    python, tensor = random.getstate(), torch.get_rng_state()
    # Reading and writing numpy's state takes longer than a small image's whole pipeline; its
    # functions are handed another generator instead.
    legacy = mtrand.get_bit_generator()
    mtrand.set_bit_generator(_OWN)
    try:
        _seed(key)
        yield
    finally:
        random.setstate(python)
        mtrand.set_bit_generator(legacy)
        torch.set_rng_state(tensor)


def _seed(key: int) -> None:
    """Seed all three; numpy takes 32 bits."""
    random.seed(key)
    np.random.seed(key & 0xFFFFFFFF)
    torch.default_generator.manual_seed(key)
