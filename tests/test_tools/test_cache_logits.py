"""The program that makes a cache: its command line, and what a kill leaves."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from mmengine.config import Config

from mmlogitkd.offline import LogitStore
from tests.test_offline.images import LENGTH, PIPELINE, distillation

from .conftest import TOOLS

Tool = Callable[..., ModuleType]
CACHE = 'default_hooks.distill.teacher.cache'


@pytest.fixture
def distill_file(tmp_path: Path, teacher_file: Path) -> Callable[..., Path]:
    """Write the config of a distillation; arguments override it."""

    def write(**overrides: object) -> Path:
        path = tmp_path / 'distil.py'
        config = distillation(tmp_path / 'work', teacher_file, **overrides)
        config.visualizer = dict(type='mmengine.Visualizer')
        config.dump(path)
        return path

    return write


def shards(cache: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(cache.glob('view-0000/shard-*.bin'))}


def test_makes_a_cache_and_trains_from_it(
    tool: Tool, distill_file: Callable[..., Path], tmp_path: Path
) -> None:
    """What is stored is, by default, what the config's losses ask for."""
    config, cache = distill_file(), tmp_path / 'cache'
    tool('cache_logits', config, '--out', cache, '--views', 2, '--shard-size', 6).main()
    store = LogitStore(cache)
    assert (store.length, store.views, store.rows.scales) == (LENGTH, 2, (1, 2))
    assert len(list(cache.rglob('*.bin'))) == 8
    assert not list(cache.rglob('*.tmp'))
    options = ('--cfg-options', f'{CACHE}={cache}', 'default_hooks.distill.teacher.checkpoint=None')
    tool('train', config, '--work-dir', tmp_path / 'run', *options).main()
    assert (tmp_path / 'run' / 'epoch_2.pth').exists()
    saved = Config.fromfile(tmp_path / 'run' / 'distil.py')
    assert saved.train_dataloader.dataset.type == 'mmlogitkd.ReplayDataset'


def test_options_reach_the_cache(
    tool: Tool, distill_file: Callable[..., Path], tmp_path: Path
) -> None:
    options = ['--topk', 2, '--scales', 1, 4, '--dtype', 'float32', '--seed', 7, '--workers', 2]
    options += ['--batch-size', 3]
    tool('cache_logits', distill_file(), '--out', tmp_path / 'cache', *options).main()
    store = LogitStore(tmp_path / 'cache')
    rows = store.rows
    assert (rows.topk, rows.scales, rows.dtype, rows.num_classes) == (2, (1, 4), 'float32', 5)
    assert (store.seed, store.views) == (7, 1)


def test_a_killed_program_goes_on_where_it_was(
    tool: Tool, distill_file: Callable[..., Path], tmp_path: Path
) -> None:
    pipeline = [*PIPELINE[:-1], dict(type='Wait', seconds=0.1), PIPELINE[-1]]
    config = distill_file(**{'train_dataloader.dataset.pipeline': pipeline})
    cache, whole = tmp_path / 'cache', tmp_path / 'whole'
    common = ['--shard-size', '4', '--batch-size', '2']
    program = subprocess.Popen(
        [sys.executable, str(TOOLS / 'cache_logits.py'), str(config), '--out', str(cache), *common],
        env=os.environ | {'PYTHONPATH': str(TOOLS.parent)},
    )
    deadline = time.monotonic() + 240
    while not shards(cache):
        assert program.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    program.kill()
    program.wait()
    left = shards(cache)
    assert 1 <= len(left) < 5
    times = {name: (cache / 'view-0000' / name).stat().st_mtime_ns for name in left}
    tool('cache_logits', config, '--out', cache, *common).main()
    assert {name: (cache / 'view-0000' / name).stat().st_mtime_ns for name in left} == times
    tool('cache_logits', config, '--out', whole, *common).main()
    assert shards(cache) == shards(whole)
    assert len(shards(whole)) == 5


def test_damaged_and_missing_shards_are_found_and_made_anew(
    tool: Tool, distill_file: Callable[..., Path], tmp_path: Path, capsys
) -> None:
    config, cache = distill_file(), tmp_path / 'cache'
    make = (config, '--out', cache, '--shard-size', 4)
    tool('cache_logits', *make).main()
    good = shards(cache)
    assert tool('cache_logits', '--verify', cache).main() == 0
    (cache / 'view-0000/shard-00001.bin').write_bytes(bytes(len(good['shard-00001.bin'])))
    (cache / 'view-0000/shard-00003.bin').unlink()
    (cache / 'view-0000/shard-00004.bin').write_bytes(good['shard-00004.bin'][:-1])
    (cache / 'view-0000/.shard-00003.bin.tmp').write_bytes(b'half')
    capsys.readouterr()
    assert tool('cache_logits', '--verify', cache).main() == 1
    said = ''.join(capsys.readouterr().out.split())
    assert all(f'shard-0000{number}.bin' in said for number in (1, 3, 4))
    assert '2of5shards' in said
    tool('cache_logits', *make).main()
    assert shards(cache) == good


def test_processes_share_the_work(
    tool: Tool, distill_file: Callable[..., Path], tmp_path: Path
) -> None:
    config, shared, alone = distill_file(), tmp_path / 'shared', tmp_path / 'alone'
    tool('cache_logits', config, '--out', alone, '--shard-size', 4).main()
    for part in (1, 0):
        make = (config, '--out', shared, '--shard-size', 4, '--part', part, 2)
        tool('cache_logits', *make).main()
        assert len(shards(shared)) == (2 if part else 5)
    assert shards(shared) == shards(alone)


def test_a_cache_of_something_else_is_not_gone_on_with(
    tool: Tool, distill_file: Callable[..., Path], teacher_file: Path, tmp_path: Path
) -> None:
    config, cache = distill_file(), tmp_path / 'cache'
    tool('cache_logits', config, '--out', cache).main()
    for option, message in (
        (('--views', 3), 'views: 1 -> 3'),
        (('--topk', 3), 'row.topk: null -> 3'),
        (('--shard-size', 5), 'shard_size: 4096 -> 5'),
    ):
        with pytest.raises(ValueError, match=f'another setting .*{message}'):
            tool('cache_logits', config, '--out', cache, *option).main()
    checkpoint = torch.load(teacher_file)
    checkpoint['state_dict']['head.fc.bias'] += 1
    torch.save(checkpoint, teacher_file)
    with pytest.raises(ValueError, match=r'another teacher .*checkpoint'):
        tool('cache_logits', config, '--out', cache).main()


@pytest.mark.parametrize(
    'arguments',
    [
        ['config.py'],
        ['config.py', '--out', 'cache', '--verify', 'cache'],
        [],
        ['config.py', '--out', 'cache', '--part', '2', '2'],
        ['config.py', '--out', 'cache', '--shard-size', '0'],
    ],
)
def test_command_lines_that_make_no_sense(tool: Tool, arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        tool('cache_logits', *arguments).main()
