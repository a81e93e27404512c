"""What ``tools/train.py`` and ``tools/test.py`` have in common: flags, and a config to go with."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from .safe_types import register_safe_types
from .versions import check_versions

__all__ = ['add_common_arguments', 'build_runner', 'load_config', 'set_dataloader_defaults']


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that mmpretrain's and mmdet's train and test programs share.

    ``--gpus`` must not be among them: ``mim`` looks for it to tell old programs from new ones.
    """
    parser.add_argument('--work-dir', help='folder for logs, checkpoints and results')
    parser.add_argument('--amp', action='store_true', help='use automatic mixed precision')
    parser.add_argument(
        '--no-pin-memory', action='store_true', help='switch pin_memory of the dataloaders off'
    )
    parser.add_argument(
        '--no-persistent-workers',
        action='store_true',
        help='switch persistent_workers of the dataloaders off',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change settings of the config, e.g. '
        'default_hooks.distill.losses.loss_ldrld.depth=5; lists as key="[a,b]" or key=a,b',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    # torch.distributed.launch passes --local-rank since torch 2.0, --local_rank before.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and apply the shared flags.

    The order is config file, ``--cfg-options``, the other flags. A config that names no default
    scope gets that of its model's type, as ``mmdet`` for ``mmdet.RetinaNet``.

    Args:
        args: The parsed command line; ``args.config`` is a path.

    Returns:
        The config, ready for flags of one program only.

    Raises:
        ImportError: A package of the ecosystem is installed in a version that does not fit.
    """
    check_versions()
    register_safe_types()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    config = Config.fromfile(args.config)
    if args.cfg_options is not None:
        config.merge_from_dict(args.cfg_options)
    config.launcher = args.launcher
    if args.work_dir is not None:
        config.work_dir = args.work_dir
    elif config.get('work_dir') is None:
        config.work_dir = str(Path('work_dirs', Path(args.config).stem))
    scope, dot, _ = str(config.get('model', {}).get('type', '')).rpartition('.')
    if dot and config.get('default_scope') is None:
        config.default_scope = scope
    return config


def set_dataloader_defaults(config: Config, args: argparse.Namespace, *names: str) -> None:
    """Complete the dataloaders as the student's own package does, and apply the flags.

    mmpretrain's configs leave ``pin_memory``, ``persistent_workers`` and ``collate_fn`` to its
    programs; mmdet's state all that they need, and would not train with mmpretrain's collation.
    """
    for name in names:
        loader = config.get(name)
        if loader is None:
            continue
        defaults: dict[str, Any] = {}
        if config.get('default_scope') == 'mmpretrain':
            # torch refuses persistent workers where there are none.
            defaults = dict(
                pin_memory=True,
                persistent_workers=loader.get('num_workers', 0) > 0,
                collate_fn=dict(type='default_collate'),
            )
        if args.no_pin_memory:
            loader['pin_memory'] = False
        if args.no_persistent_workers:
            loader['persistent_workers'] = False
        for key, value in defaults.items():
            loader.setdefault(key, value)


def build_runner(config: Config) -> Runner:
    """Build MMEngine's Runner, or the one that ``runner_type`` names."""
    return RUNNERS.build(config) if 'runner_type' in config else Runner.from_cfg(config)
