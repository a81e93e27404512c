"""Store a teacher's logits for the training images of a distillation's config.

Training then runs without the teacher, on the same config:

    python tools/cache_logits.py CONFIG --out CACHE --views 20
    python tools/train.py CONFIG --cfg-options default_hooks.distill.teacher.cache=CACHE

A second call goes on where the first was interrupted, and makes damaged shards anew. Several
processes can share the work, one per GPU: --part 0 8, --part 1 8, ...
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import DictAction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from mmlogitkd.offline import DamagedShardError, LogitCaching, LogitStore
from mmlogitkd.utils.command_line import load_config


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Store a teacher's logits")
    parser.add_argument('config', nargs='?', help='path of the config of the distillation')
    parser.add_argument('--out', type=Path, help='folder of the cache')
    parser.add_argument('--verify', type=Path, metavar='CACHE', help='only check a cache')
    parser.add_argument('--views', type=int, help='augmentations of every image (1)')
    parser.add_argument('--seed', type=int, help='what the augmentation is derived from (0)')
    parser.add_argument('--topk', type=int, metavar='K', help='keep only the K largest logits')
    parser.add_argument(
        '--scales',
        type=int,
        nargs='*',
        metavar='M',
        help="store the regions of these grids for SDD, such as 1 2 4 (those of the config's "
        'losses)',
    )
    parser.add_argument('--dtype', choices=['float16', 'float32'], default='float16')
    parser.add_argument('--shard-size', type=int, default=4096, help='images in a shard (4096)')
    parser.add_argument('--batch-size', type=int, help="images at a time (the config's)")
    parser.add_argument('--workers', type=int, help="processes that load images (the config's)")
    parser.add_argument('--device', help='where the teacher runs (cuda if there is one)')
    parser.add_argument(
        '--part',
        type=int,
        nargs=2,
        default=(0, 1),
        metavar=('K', 'N'),
        help='make only every N-th shard, from the K-th on: one of N processes',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change settings of the config, as in tools/train.py',
    )
    args = parser.parse_args(arguments)
    if (args.verify is None) == (args.config is None) or (args.config and args.out is None):
        parser.error('give CONFIG --out CACHE, or --verify CACHE')
    if args.shard_size < 1 or not 0 <= args.part[0] < args.part[1]:
        parser.error(
            f'--shard-size {args.shard_size}, --part {args.part[0]} {args.part[1]}: at least one '
            'image, and 0 <= K < N expected'
        )
    return args


def verify(cache: Path, console: Console) -> int:
    """Check every shard; return the program's exit status."""
    store = LogitStore(cache)
    wrong = 0
    for shard in store.shards():
        try:
            store.verify(shard)
        except DamagedShardError as error:
            console.print(str(error), style='red')
            wrong += 1
    count = len(list(store.shards()))
    console.print(f'{cache}: {count - wrong} of {count} shards are complete and undamaged')
    return int(wrong > 0)


def cache_logits(args: argparse.Namespace, console: Console) -> None:
    """Make what is missing of a cache.

    Raises:
        OSError: the disk has no room for it.
    """
    args.launcher, args.work_dir, args.local_rank = 'none', None, 0
    config = load_config(args)
    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    caching = LogitCaching(
        config, args.views, args.seed, args.dtype, args.topk, args.scales, device
    )
    store = caching.open(args.out, args.shard_size)
    shards = caching.missing(store, tuple(args.part))
    size = caching.rows.record.itemsize
    console.print(
        f'{store.length:,} images x {store.views} views x {size:,} bytes '
        f'({caching.rows.regions} regions) = {store.nbytes / 1e9:.3f} GB in {args.out}'
    )
    needed = sum(map(len, shards)) * size
    free = shutil.disk_usage(args.out).free
    if needed > free:
        raise OSError(
            f'{args.out} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed: fewer '
            '--views, or --topk'
        )
    loader = config.train_dataloader
    batch_size = args.batch_size or loader.batch_size
    workers = loader.get('num_workers', 0) if args.workers is None else args.workers
    columns = ('{task.description}', BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task('images', total=sum(map(len, shards)))
        for shard in caching.fill(store, shards, batch_size, workers):
            progress.advance(task, len(shard))
    console.print(f'{len(shards)} shards made; nothing is missing of this part')


def main() -> int:
    """Make or check a cache."""
    args = parse_args()
    console = Console()
    if args.verify is not None:
        return verify(args.verify, console)
    cache_logits(args, console)
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
