"""How the logits of one image are laid out in a cache, and what is rebuilt from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ['RowFormat']

DTYPES = ('float16', 'float32')


@dataclass(frozen=True)
class RowFormat:
    """One row: a checksum of the image, and raw logits (C,) of its R regions.

    Region 0 is the whole image. With ``topk``, only the K largest logits of a region are kept,
    their classes, and the log of the sum of the other classes' exponentials. What is rebuilt then
    gives every other class the same logit, so that they share the remaining mass equally. At
    temperature 1 the K probabilities and the remaining mass are exact; at another temperature, or
    in a loss that looks at the order of the rest, it is an approximation.

    Args:
        num_classes: C.
        dtype: what logits are stored as, ``'float16'`` (11 bits, up to 65504) or ``'float32'``.
        topk: K, below C; None keeps all classes.
        scales: grids whose cells are stored beside region 0, beginning with 1; empty for none.
        nested: whether the cells were pooled as SDD's authors do (``pooling='nested'``). The 1 x 1
            grid is then a region of its own.

    Raises:
        ValueError: an argument outside these sets.
    """

    num_classes: int
    dtype: str = 'float16'
    topk: int | None = None
    scales: tuple[int, ...] = ()
    nested: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, 'scales', tuple(self.scales))
        if self.dtype not in DTYPES:
            raise ValueError(f'dtype={self.dtype!r}: one of {DTYPES} expected')
        if self.topk is not None and not 1 <= self.topk < self.num_classes:
            raise ValueError(
                f'topk={self.topk} of {self.num_classes} classes: 1 to {self.num_classes - 1} '
                'expected; leave it out to keep all'
            )
        ascending = list(self.scales) == sorted(set(self.scales))
        if self.scales and (self.scales[0] != 1 or not ascending):
            raise ValueError(
                f'scales={self.scales}: growing grid sizes expected that begin with 1, the whole '
                'image, such as 1 2 4'
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments as JSON can hold them."""
        return asdict(self) | {'scales': list(self.scales)}

    @property
    def regions(self) -> int:
        """R: 1, and one per cell of the grids."""
        return 1 + sum(m * m for m in self._stored_grids)

    @property
    def _stored_grids(self) -> tuple[int, ...]:
        """Grids that have cells of their own; the direct 1 x 1 grid is region 0 itself."""
        return self.scales if self.nested else self.scales[1:]

    @property
    def record(self) -> np.dtype:
        """The bytes of one row, little-endian and without gaps."""
        kind = {'float16': '<f2', 'float32': '<f4'}[self.dtype]
        if self.topk is None:
            fields: list[Any] = [('logits', kind, (self.regions, self.num_classes))]
        else:
            index = '<i2' if self.num_classes <= 2**15 else '<i4'
            shape = (self.regions, self.topk)
            fields = [
                ('logits', kind, shape),
                ('classes', index, shape),
                ('rest', '<f4', (self.regions,)),
            ]
        return np.dtype([('crc', '<u4'), *fields])

    def pack(self, logits: Tensor, checksums: Sequence[int]) -> np.ndarray:
        """Turn logits into records.

        Args:
            logits: (N, R, C), on any device.
            checksums: N CRC-32 values.

        Returns:
            (N,) of :attr:`record`.

        Raises:
            ValueError: a logit is not finite, or too large for ``dtype``.
        """
        logits = logits.float().cpu()
        records = np.empty(len(logits), self.record)
        records['crc'] = np.asarray(checksums, np.uint32)
        kept = logits
        if self.topk is not None:
            ordered, classes = logits.sort(dim=2, descending=True)
            kept = ordered[:, :, : self.topk]
            records['classes'] = classes[:, :, : self.topk].numpy()
            records['rest'] = ordered[:, :, self.topk :].logsumexp(2).numpy()
        limit = float(np.finfo(self.dtype).max)
        largest = float(kept.abs().max()) if kept.numel() else 0.0
        if not largest <= limit:  # NaN too
            raise ValueError(
                f'the teacher gave logits up to {largest:g}, {self.dtype} holds up to {limit:g}: '
                'check its checkpoint and inputs, or store float32 (--dtype float32)'
            )
        records['logits'] = kept.numpy()
        return records

    def unpack(self, records: np.ndarray, device: torch.device | str = 'cpu') -> Tensor:
        """Rebuild logits (N, R, C), float32, on ``device``, without waiting for it."""
        logits = _moved(records['logits'], device).float()
        if self.topk is None:
            return logits
        others = math.log(self.num_classes - self.topk)
        rest = _moved(records['rest'], device).unsqueeze(2) - others  # (N, R, 1)
        full = rest.expand(-1, -1, self.num_classes).contiguous()
        return full.scatter_(2, _moved(records['classes'], device).long(), logits)

    def columns(self, scales: Sequence[int], nested: bool) -> list[int]:
        """Return which regions make up the cells that a loss with these ``scales`` compares.

        Cells of directly pooled grids do not depend on each other, so any of the stored grids can
        be asked for; nested ones belong to their finest grid.

        Args:
            scales: what the loss asks for, beginning with 1.
            nested: how the source of logits pools.

        Raises:
            ValueError: these cells are not in the cache.
        """
        wanted = tuple(scales)
        if nested != self.nested or not (
            wanted == self.scales if nested else set(wanted) <= set(self.scales)
        ):
            raise ValueError(
                f'a loss asks for regions at scales={wanted}, pooled '
                f'{"nested" if nested else "direct"}; the cache holds '
                + (f'scales={self.scales}, ' if self.scales else 'no regions, ')
                + f'pooled {"nested" if self.nested else "direct"}. Make another cache with '
                f'--scales {" ".join(map(str, sorted({*wanted, *self.scales})))}'
            )
        columns = [] if nested else [0]
        start = 1
        for m in self._stored_grids:
            if m in wanted:
                columns += range(start, start + m * m)
            start += m * m
        return columns


def _moved(values: np.ndarray, device: torch.device | str) -> Tensor:
    """Copy a field of records to a device; from pinned memory, so that nobody waits."""
    tensor = torch.from_numpy(np.array(values, order='C'))  # records are not aligned
    if torch.device(device).type != 'cuda':
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
