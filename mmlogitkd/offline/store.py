"""The files of a cache: a header, and shards that are there whole or not at all."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .rows import RowFormat

__all__ = ['DamagedShardError', 'LogitStore', 'Shard']

FORMAT = 1
HEADER = 'header.json'
_DIGEST = hashlib.sha256().digest_size
_OPEN = 256  # shards that are mapped at a time; each holds a file descriptor


class DamagedShardError(ValueError):
    """A shard is missing, or its bytes are not those that were written."""


@dataclass(frozen=True)
class Shard:
    """Rows ``start`` to ``stop`` of one view."""

    view: int
    number: int
    start: int
    stop: int

    @property
    def name(self) -> str:
        """Its path inside the cache."""
        return f'view-{self.view:04d}/shard-{self.number:05d}.bin'

    def __len__(self) -> int:
        return self.stop - self.start


class LogitStore:
    """Reads and writes a cache's folder.

    ``header.json`` says what the rows are and what they belong to. A shard holds a fixed number of
    rows of one view, and ends with the SHA-256 of the header, its own name and its rows: bytes that
    have changed, a shard under another name and one of another cache are all seen. It is written
    under a temporary name and renamed, so that a killed program leaves no half shard.

    Args:
        path: the folder.
        verify_at_use: compare a shard with its checksum when it is read for the first time.

    Raises:
        FileNotFoundError: no cache there.
        ValueError: a header that cannot be read.
    """

    def __init__(self, path: str | Path, verify_at_use: bool = False) -> None:
        self.path = Path(path)
        self.verify_at_use = verify_at_use
        file = self.path / HEADER
        if not file.is_file():
            raise FileNotFoundError(
                f'{str(path)!r} is no cache of logits (no {HEADER} in it, seen from {Path.cwd()}); '
                'make one with: python tools/cache_logits.py CONFIG --out CACHE'
            )
        content = file.read_bytes()
        try:
            self.header: dict[str, Any] = json.loads(content)
            if self.header['format'] != FORMAT:
                raise ValueError(f'format {self.header["format"]}, this version reads {FORMAT}')
            self.rows = RowFormat(**self.header['row'])
            self.length, self.views, self.seed, self.shard_size = (
                int(self.header[key]) for key in ('length', 'views', 'seed', 'shard_size')
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{str(file)!r} is no header of a cache: {error!r}; make the cache anew'
            ) from error
        self._identity = hashlib.sha256(content).digest()
        self._mapped: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()

    @classmethod
    def create(cls, path: str | Path, header: dict[str, Any]) -> LogitStore:
        """Write the header of a new cache; the folder has none yet."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({'format': FORMAT, **header}, indent=1, sort_keys=True) + '\n'
        _write(folder / HEADER, text.encode())
        return cls(path)

    def shards(self) -> Iterator[Shard]:
        """Yield all shards that belong into the cache, view by view."""
        for view in range(self.views):
            for number, start in enumerate(range(0, self.length, self.shard_size)):
                yield Shard(view, number, start, min(start + self.shard_size, self.length))

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return self.length * self.views * self.rows.record.itemsize

    def write(self, shard: Shard, records: np.ndarray) -> None:
        """Put a complete shard in its place."""
        data = records.tobytes()
        _write(self.path / shard.name, data + self._digest(shard, data))

    def verify(self, shard: Shard) -> None:
        """Compare a shard's bytes with its checksum.

        Raises:
            DamagedShardError: names the shard.
        """
        content = self._content(shard)
        rows = memoryview(content)[:-_DIGEST]
        if self._digest(shard, rows) != content[-_DIGEST:]:
            raise self._damaged(shard, 'does not match its checksum')

    def read(self, view: int, indices: np.ndarray) -> np.ndarray:
        """Return the records (N,) of samples ``indices`` in one view.

        Raises:
            IndexError: an index or view that the cache does not have.
            DamagedShardError: a shard is missing or has the wrong size.
        """
        if not 0 <= view < self.views or (indices.size and indices.min() < 0):
            raise IndexError(f'view {view} of {self.views}, indices {indices}')
        if indices.size and indices.max() >= self.length:
            raise IndexError(f'sample {indices.max()} of a cache with {self.length} samples')
        records = np.empty((len(indices), self.rows.record.itemsize), np.uint8)
        numbers, places = np.divmod(indices, self.shard_size)
        for k, (number, place) in enumerate(zip(numbers.tolist(), places.tolist(), strict=True)):
            records[k] = self._map(view, number)[place]
        return records.view(self.rows.record)[:, 0]

    def _map(self, view: int, number: int) -> np.ndarray:
        """One shard's rows as bytes (rows, itemsize), mapped into memory."""
        key = view, number
        if key in self._mapped:
            return self._mapped[key]
        start = number * self.shard_size
        shard = Shard(view, number, start, min(start + self.shard_size, self.length))
        if self.verify_at_use:
            self.verify(shard)
        content = self._content(shard)
        size = len(shard) * self.rows.record.itemsize
        rows = np.frombuffer(content, np.uint8, size).reshape(len(shard), -1)
        self._mapped[key] = rows
        if len(self._mapped) > _OPEN:
            self._mapped.popitem(last=False)
        return rows

    def _content(self, shard: Shard) -> mmap.mmap:
        """Map a shard's file, whose size must be right."""
        expected = len(shard) * self.rows.record.itemsize + _DIGEST
        try:
            with (self.path / shard.name).open('rb') as file:
                found = os.fstat(file.fileno()).st_size
                if found != expected:
                    raise self._damaged(shard, f'has {found:,} bytes in place of {expected:,}')
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise self._damaged(shard, 'is missing') from None

    def _digest(self, shard: Shard, rows: bytes | memoryview) -> bytes:
        """The checksum of rows that stand in this shard of this cache."""
        digest = hashlib.sha256(self._identity + shard.name.encode())
        digest.update(rows)
        return digest.digest()

    def _damaged(self, shard: Shard, what: str) -> DamagedShardError:
        """The error for a shard that cannot be used."""
        return DamagedShardError(
            f'{shard.name} of the cache {str(self.path)!r} (samples {shard.start} to '
            f'{shard.stop - 1} of view {shard.view}) {what}; run tools/cache_logits.py again with '
            'the same arguments: it makes what is missing or damaged, and nothing else'
        )


def _write(path: Path, content: bytes) -> None:
    """Write a file that appears whole, and stays so if the machine stops."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.tmp')
    with temporary.open('wb') as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
