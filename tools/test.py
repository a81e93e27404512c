"""Test a checkpoint with a config of mmpretrain, mmdet or this package.

A distilled checkpoint is a plain one: mmpretrain's and mmdet's own programs test it just as well.

Example:
    python tools/test.py CONFIG CHECKPOINT --out predictions.pkl
"""

from __future__ import annotations

import argparse
from copy import deepcopy
from typing import Any

import mmengine
from mmengine.config import Config, ConfigDict
from mmengine.registry import METRICS

from mmlogitkd.utils.command_line import (
    add_common_arguments,
    build_runner,
    load_config,
    set_dataloader_defaults,
)

# What test-time augmentation needs where the config says nothing; the packages' own programs fill
# in the same.
DEFAULT_TTA: dict[str, dict[str, Any]] = {
    'mmpretrain': dict(type='mmpretrain.AverageClsScoreTTA'),
    'mmdet': dict(
        type='mmdet.DetTTAModel',
        tta_cfg=dict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=100),
    ),
}
DET_TTA_META_KEYS = (
    *('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    *('flip', 'flip_direction'),
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Test a model')
    parser.add_argument('config', help='path of the config')
    parser.add_argument('checkpoint', help='path or URL of the checkpoint')
    parser.add_argument('--out', help='file for the results: .pkl, or .json for metrics')
    parser.add_argument(
        '--out-item',
        choices=['metrics', 'pred'],
        help='what --out gets: the metrics, or the predictions (the default)',
    )
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--show-dir', help='folder for images with predictions drawn in')
    parser.add_argument('--interval', type=int, default=1, help='draw every n-th sample')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds that a window stays')
    parser.add_argument('--tta', action='store_true', help='use test-time augmentation')
    add_common_arguments(parser)
    args = parser.parse_args()
    if args.out is None and args.out_item is not None:
        parser.error('--out-item needs --out FILE')
    if args.out is not None and args.out_item != 'metrics' and not _is_pickle(args.out):
        parser.error(f'predictions are written with pickle: --out {args.out} must end in .pkl')
    return args


def apply_arguments(config: Config, args: argparse.Namespace) -> None:
    """Apply the flags that only testing has."""
    config.load_from = args.checkpoint
    if args.amp:
        config.test_cfg.fp16 = True
    if args.show or args.show_dir is not None:
        draw(config, args)
    if args.tta:
        augment(config)
    set_dataloader_defaults(config, args, 'test_dataloader')


def draw(config: Config, args: argparse.Namespace) -> None:
    """Switch the visualization hook on; mmpretrain and mmdet name its arguments differently.

    Raises:
        ValueError: The config has no such hook.
    """
    hook = config.get('default_hooks', {}).get('visualization')
    if hook is None:
        raise ValueError(
            '--show and --show-dir need a visualization hook in the default_hooks of the config: '
            "visualization=dict(type='VisualizationHook'), mmdet: type='DetVisualizationHook'."
        )
    hook.update(show=args.show, wait_time=args.wait_time, interval=args.interval)
    if 'DetVisualizationHook' in hook.type:
        hook.update(draw=True, test_out_dir=args.show_dir)
    else:
        hook.update(enable=True, out_dir=args.show_dir)


def augment(config: Config) -> None:
    """Wrap the model for test-time augmentation, by the config's own settings or by flipping.

    Raises:
        ValueError: The config has no settings, and its scope no default.
    """
    scope = config.get('default_scope')
    if 'tta_model' not in config:
        if scope not in DEFAULT_TTA:
            raise ValueError(f'--tta needs tta_model in the config: no default for scope {scope}.')
        config.tta_model = DEFAULT_TTA[scope]
    dataset = config.test_dataloader.dataset
    while 'dataset' in dataset:  # a wrapper
        dataset = dataset.dataset
    if 'tta_pipeline' not in config:
        *before, pack = deepcopy(dataset.pipeline)
        if scope == 'mmdet':  # to undo a flip, the model must be told of it
            pack.meta_keys = DET_TTA_META_KEYS
        flips = [dict(type='RandomFlip', prob=1.0), dict(type='RandomFlip', prob=0.0)]
        config.tta_pipeline = [*before, dict(type='TestTimeAug', transforms=[flips, [pack]])]
    config.model = ConfigDict(**config.tta_model, module=config.model)
    dataset.pipeline = config.tta_pipeline


def main() -> None:
    """Test."""
    args = parse_args()
    config = load_config(args)
    apply_arguments(config, args)
    runner = build_runner(config)
    if args.out is not None and args.out_item != 'metrics':
        dump = 'mmdet.DumpDetResults' if config.get('default_scope') == 'mmdet' else 'DumpResults'
        metric = METRICS.build(dict(type=dump, out_file_path=args.out))
        runner.test_evaluator.metrics.append(metric)
    metrics = runner.test()
    if args.out_item == 'metrics':
        mmengine.dump(metrics, args.out)


def _is_pickle(path: str) -> bool:
    return path.endswith(('.pkl', '.pickle'))


if __name__ == '__main__':
    main()
