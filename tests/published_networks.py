"""The networks of the literature as their authors' code defines them: names, shapes, answers.

``tests/data/published_networks.npz`` holds what that code gave when every tensor was filled with
the formula here; ``tests/data/README.md`` says how.
"""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FIGURES = Path(__file__).parent / 'data' / 'published_networks.npz'
UNUSED = 240  # num_batches_tracked, which no answer depends on


def figures() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Names and shapes per network, and its answers."""
    with np.load(FIGURES) as stored:
        arrays = dict(stored)
    return json.loads(str(arrays.pop('meta'))), arrays


def hashed(key: str, count: int) -> np.ndarray:
    """``count`` numbers in [0, 1): MurmurHash3's last step over positions, begun at CRC-32(key)."""
    mask = np.uint64(0xFFFFFFFF)
    x = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B1)
    x = (x + np.uint64(zlib.crc32(key.encode()))) & mask
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & mask
    return (x ^ (x >> np.uint64(16))) / 2.0**32


def filled(key: str, shape: list[int], dtype: str) -> Tensor:
    """One tensor of a state dict: a layer keeps the scale of what passes through it.

    Matrices and kernels are uniform with the variance 2 / fan_in; the scale of a batch norm is
    from 0.5 to 1, its variance from 0.5 to 1.5; means and biases are within 0.1.
    """
    if dtype == 'int64':
        return torch.full(shape, UNUSED, dtype=torch.int64)
    u = hashed(key, math.prod(shape))
    if len(shape) > 1:
        values = (2 * u - 1) * math.sqrt(6 / math.prod(shape[1:]))
    elif key.endswith('running_var'):
        values = 0.5 + u
    elif key.endswith('weight'):
        values = 0.5 + 0.5 * u
    else:
        values = 0.2 * u - 0.1
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def state_dict(tensors: list[tuple[str, str, list[int]]]) -> dict[str, Tensor]:
    """A checkpoint's state dict from the names, dtypes and shapes of its tensors."""
    return {key: filled(key, shape, dtype) for key, dtype, shape in tensors}


def images(size: int = 32) -> Tensor:
    """Two images (2, 3, size, size) in double precision, normalised values from -2 to 2."""
    shape = (2, 3, size, size)
    return torch.from_numpy(4 * hashed('images', math.prod(shape)) - 2).reshape(shape)
