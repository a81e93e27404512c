"""One-stage detectors of mmdet's own configs, shrunk until a step takes milliseconds."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope, init_default_scope
from torch import Tensor, nn

NUM_CLASSES = 3
WIDTH = 32

# name: mmdet's config
CONFIGS = dict(
    retinanet='retinanet/retinanet_r50_fpn_1x_coco.py',
    fcos='fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    atss='atss/atss_r50_fpn_1x_coco.py',
    gfl='gfl/gfl_r50_fpn_1x_coco.py',
    vfnet='vfnet/vfnet_r50_fpn_1x_coco.py',
    paa='paa/paa_r50_fpn_1x_coco.py',
    tood='tood/tood_r50_fpn_1x_coco.py',
    rtmdet='rtmdet/rtmdet_tiny_8xb32-300e_coco.py',
    yolox='yolox/yolox_tiny_8xb8-300e_coco.py',
)


def detector_config(name: str, **head: Any) -> dict:
    """The model of mmdet's config with narrow layers; the arguments override the head's."""
    model = copy.deepcopy(_zoo_model(name))
    model['backbone'].pop('init_cfg', None)
    if model['backbone']['type'] == 'ResNet':
        model['backbone'].update(depth=18, base_channels=4, frozen_stages=-1, style='pytorch')
        model['neck'].update(in_channels=[4, 8, 16, 32], out_channels=WIDTH)
        model['bbox_head'].update(in_channels=WIDTH, feat_channels=WIDTH, stacked_convs=1)
    else:
        model['backbone'].update(widen_factor=0.125, deepen_factor=0.1)
        model['neck'].update(in_channels=[32, 64, 128], out_channels=WIDTH, num_csp_blocks=1)
        model['bbox_head'].update(in_channels=WIDTH, feat_channels=WIDTH, stacked_convs=1)
    if 'norm_cfg' in model['bbox_head'] or name != 'retinanet':
        head_norm = model['bbox_head'].get('norm_cfg', dict(type='GN'))
        if head_norm['type'] == 'GN':  # 32 groups, the default, would be one value each
            model['bbox_head']['norm_cfg'] = dict(type='GN', num_groups=8)
    if name == 'tood':
        model['bbox_head'].update(stacked_convs=2)
    model['data_preprocessor'].pop('batch_augments', None)
    model['bbox_head'].update(num_classes=NUM_CLASSES, **head)
    return _without_sync_bn(model)


@lru_cache
def _zoo_model(name: str) -> dict:
    """The model of mmdet's config, as shipped."""
    return Config.fromstring(f"_base_ = ['mmdet::{CONFIGS[name]}']", '.py').model.to_dict()


def _without_sync_bn(config: Any) -> Any:
    """SyncBN trains on GPUs only."""
    if isinstance(config, dict):
        return {key: _without_sync_bn(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_without_sync_bn(value) for value in config)
    return 'BN' if config == 'SyncBN' else config


def full_config(model: dict) -> dict:
    """What a teacher's config file would hold."""
    return dict(default_scope='mmdet', model=model)


def build_detector(config: dict, seed: int = 0) -> Any:
    """Built for training but for batch norm and dropout, with scores that tell rows apart.

    The whole in eval mode would not do: VFNet's head returns less then than its loss takes.
    """
    init_default_scope('mmdet')
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(copy.deepcopy(config))
    model.train()
    for module in model.modules():
        if isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.Dropout)):
            module.eval()
    for parameter in model.bbox_head.parameters():
        if parameter.dim() == 4:
            nn.init.normal_(parameter, std=1.5 / parameter[0].numel() ** 0.5)
    if hasattr(model.bbox_head, 'rtm_reg'):  # boxes of the objects' size: qualities above 0
        for convolution in model.bbox_head.rtm_reg:
            nn.init.normal_(convolution.weight, std=0.01)
            nn.init.constant_(convolution.bias, 0.8)
    return model


def sample(boxes: list, labels: list, size: tuple[int, int], ignored: list | None = None) -> Any:
    """A data sample with these boxes (x1, y1, x2, y2), in an image of ``size`` (height, width).

    Padded as mmdet's preprocessor says it: to a multiple of 32, and to 128 x 128 in the batch.
    """
    from mmdet.structures import DetDataSample
    from mmengine.structures import InstanceData

    def instances(values: list, classes: list) -> InstanceData:
        return InstanceData(
            bboxes=torch.tensor(values, dtype=torch.float32).view(-1, 4),
            labels=torch.tensor(classes, dtype=torch.long),
        )

    padded = tuple(-(-length // 32) * 32 for length in size)
    data = DetDataSample(
        metainfo=dict(img_shape=size, pad_shape=padded, batch_input_shape=(128, 128))
    )
    data.gt_instances = instances(boxes, labels)
    data.ignored_instances = instances(ignored or [], [0] * len(ignored or []))
    return data


def batch() -> tuple[Tensor, list]:
    """Two images of different sizes, padded with 0 to 128 x 128, with 3 and 1 objects.

    A region of the second is to be ignored.
    """
    inputs = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(5))
    inputs[1, :, 96:] = 0
    inputs[1, :, :, 112:] = 0
    first = sample([[8, 8, 40, 40], [50, 60, 110, 120], [70, 5, 100, 30]], [0, 1, 2], (128, 128))
    second = sample([[20, 24, 90, 80]], [2], (96, 112), ignored=[[0, 0, 40, 20]])
    return inputs, [first, second]
