"""The files: complete or absent, checked, and of one cache only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mmlogitkd.offline import DamagedShardError, LogitStore, RowFormat
from mmlogitkd.offline import store as store_module

ROWS = RowFormat(3, 'float32')


def header(**changes: object) -> dict:
    return dict(length=10, views=2, seed=0, shard_size=4, row=ROWS.to_dict()) | changes


def logits(view: int) -> torch.Tensor:
    return torch.arange(30.0).reshape(10, 1, 3) + 100 * view


@pytest.fixture
def store(tmp_path: Path) -> LogitStore:
    made = LogitStore.create(tmp_path / 'cache', header())
    for shard in made.shards():
        part = logits(shard.view)[shard.start : shard.stop]
        made.write(shard, ROWS.pack(part, range(shard.start, shard.stop)))
    return made


def test_shards_cover_every_view(store: LogitStore) -> None:
    shards = list(store.shards())
    assert [len(shard) for shard in shards] == [4, 4, 2, 4, 4, 2]
    names = sorted(str(path.relative_to(store.path)) for path in store.path.rglob('*.bin'))
    assert names == [shard.name for shard in shards]
    assert store.nbytes == 2 * 10 * (4 + 12)


@pytest.mark.parametrize('open_at_once', [256, 1])
def test_reads_any_rows(
    store: LogitStore, monkeypatch: pytest.MonkeyPatch, open_at_once: int
) -> None:
    monkeypatch.setattr(store_module, '_OPEN', open_at_once)
    for view, indices in ((0, [3, 9, 0, 3]), (1, [8, 4]), (1, [])):
        records = store.read(view, np.array(indices, int))
        assert records['crc'].tolist() == indices
        assert torch.equal(ROWS.unpack(records), logits(view)[indices])


@pytest.mark.parametrize(('view', 'index'), [(2, 0), (0, 10), (0, -1), (-1, 0)])
def test_rows_that_are_not_there(store: LogitStore, view: int, index: int) -> None:
    with pytest.raises(IndexError):
        store.read(view, np.array([index]))


def test_every_changed_byte_is_seen(store: LogitStore) -> None:
    shard = list(store.shards())[1]
    file = store.path / shard.name
    content = file.read_bytes()
    store.verify(shard)
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1
        file.write_bytes(changed)
        with pytest.raises(DamagedShardError, match=r'shard-00001.bin .*samples 4 to 7 of view 0'):
            store.verify(shard)


@pytest.mark.parametrize('size', [0, 7, 200])
def test_a_shard_of_another_size_is_seen_when_read(store: LogitStore, size: int) -> None:
    (store.path / 'view-0001/shard-00002.bin').write_bytes(bytes(size))
    assert store.read(1, np.array([0])).size
    with pytest.raises(DamagedShardError, match=rf'{size} bytes in place of 64'):
        store.read(1, np.array([9]))


def test_a_missing_shard_is_named(store: LogitStore) -> None:
    (store.path / 'view-0000/shard-00000.bin').unlink()
    with pytest.raises(DamagedShardError, match=r'view-0000/shard-00000.bin .* is missing'):
        store.read(0, np.array([1]))


def test_a_shard_in_anothers_place_is_seen(store: LogitStore) -> None:
    first, second = list(store.shards())[:2]
    (store.path / first.name).write_bytes((store.path / second.name).read_bytes())
    with pytest.raises(DamagedShardError):
        store.verify(first)
    assert store.read(0, np.array([0])).size  # the size is right
    with pytest.raises(DamagedShardError):
        LogitStore(store.path, verify_at_use=True).read(0, np.array([0]))


def test_a_shard_of_another_cache_is_seen(store: LogitStore, tmp_path: Path) -> None:
    other = LogitStore.create(tmp_path / 'other', header(seed=1))
    shard = next(other.shards())
    (other.path / shard.name).parent.mkdir(parents=True)
    (other.path / shard.name).write_bytes((store.path / shard.name).read_bytes())
    with pytest.raises(DamagedShardError):
        other.verify(shard)


def test_no_cache_and_unreadable_headers(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'tools/cache_logits.py CONFIG --out'):
        LogitStore(tmp_path)
    for content in ('{', json.dumps(dict(format=2)), json.dumps(dict(format=1, length=3))):
        (tmp_path / 'header.json').write_text(content)
        with pytest.raises(ValueError, match='no header of a cache'):
            LogitStore(tmp_path)
