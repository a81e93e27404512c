"""Convert published checkpoints of the literature's CIFAR networks to mmpretrain's.

Every tensor must be used and every parameter filled, or nothing is written.

Example:
    python tools/convert_published.py resnet32x4 save/models/resnet32x4_vanilla/ckpt_epoch_240.pth \
        work_dirs/published/resnet32x4.pth
    python tools/convert_published.py --list
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mmlogitkd.analysis.networks import measure_networks, network_markdown, network_table
from mmlogitkd.published import convert_file, network_config
from mmlogitkd.utils.versions import check_versions

MODELS = Path(__file__).resolve().parents[1] / 'configs' / '_base_' / 'models' / 'cifar'


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Convert a published checkpoint')
    parser.add_argument('network', nargs='?', help='its name (see --list) or a config')
    parser.add_argument('checkpoint', nargs='?', help='file of the published checkpoint')
    parser.add_argument('out', nargs='?', type=Path, help='file to write')
    parser.add_argument(
        '--list',
        nargs='?',
        const='table',
        choices=['table', 'markdown'],
        help='print the networks and stop',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace the file if it exists')
    parser.add_argument(
        '--trust',
        action='store_true',
        help='read a file that holds more than weights; runs code from it',
    )
    args = parser.parse_args(arguments)
    if args.list is None and args.out is None:
        parser.error('NETWORK, CHECKPOINT and OUT are needed, or --list')
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert, or list the networks; return the exit status."""
    args = parse_args(arguments)
    check_versions()
    console = Console()
    if args.list:
        with console.status('Building the networks'):
            sizes = list(measure_networks(MODELS))
        if args.list == 'markdown':
            print(network_markdown(sizes), end='')
        else:
            console.print(network_table(sizes))
        return 0
    try:
        if args.out.is_dir():
            raise ValueError(f'{args.out} is a folder: give a file in it')
        if args.out.exists() and not args.overwrite:
            raise ValueError(f'{args.out} exists: give another file, or --overwrite')
        config = network_config(args.network, MODELS)
        count = convert_file(config, args.checkpoint, args.out, args.trust)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f'{args.out}: all {count} tensors of {args.checkpoint}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
