"""Train, with or without distillation, from a config of mmpretrain, mmdet or this package.

Example:
    python tools/train.py configs/classification/ldrld/ldrld_resnet34-resnet18_8xb32_in1k.py
"""

from __future__ import annotations

import argparse

from mmengine.config import Config

from mmlogitkd.offline import use_cache
from mmlogitkd.utils.command_line import (
    add_common_arguments,
    build_runner,
    load_config,
    set_dataloader_defaults,
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='path of the config')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='go on from this checkpoint; without a path, from the latest in the work folder',
    )
    parser.add_argument('--no-validate', action='store_true', help='train without validation')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate by the batch size, relative to the config's base_batch_size",
    )
    add_common_arguments(parser)
    return parser.parse_args()


def apply_arguments(config: Config, args: argparse.Namespace) -> None:
    """Apply the flags that only training has.

    Raises:
        ValueError: ``--auto-scale-lr`` is given and the config has no ``base_batch_size``.
    """
    if args.no_validate:
        config.val_cfg = config.val_dataloader = config.val_evaluator = None
    if args.amp:
        config.optim_wrapper.type = 'AmpOptimWrapper'
        config.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.resume is not None:
        config.resume = True
        config.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        if 'base_batch_size' not in config.get('auto_scale_lr', {}):
            raise ValueError(
                '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config: the '
                'batch size that its learning rate is meant for.'
            )
        config.auto_scale_lr.enable = True
    use_cache(config)
    set_dataloader_defaults(config, args, 'train_dataloader', 'val_dataloader', 'test_dataloader')


def main() -> None:
    """Train."""
    args = parse_args()
    config = load_config(args)
    apply_arguments(config, args)
    build_runner(config).train()


if __name__ == '__main__':
    main()
