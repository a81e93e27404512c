"""Detectors with queries from mmdet's own configs, shrunk until a step takes milliseconds."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope, init_default_scope
from torch import nn

from tests.test_logits.detectors import batch

NUM_CLASSES = 3
QUERIES = 12
LAYERS = 3

# name: mmdet's config
CONFIGS = dict(
    detr='detr/detr_r18_8xb2-500e_coco.py',
    conditional='conditional_detr/conditional-detr_r50_8xb2-50e_coco.py',
    dab='dab_detr/dab-detr_r50_8xb2-50e_coco.py',
    deformable='deformable_detr/deformable-detr_r50_16xb2-50e_coco.py',
    two_stage='deformable_detr/deformable-detr-refine-twostage_r50_16xb2-50e_coco.py',
    dino='dino/dino-4scale_r50_8xb2-12e_coco.py',
)


def query_config(
    name: str, queries: int = QUERIES, layers: int = LAYERS, classes: int = NUM_CLASSES
) -> dict:
    """The model of mmdet's config with narrow and few layers."""
    model = copy.deepcopy(_zoo_model(name))
    model['backbone'].update(depth=18, base_channels=8, frozen_stages=-1, init_cfg=None)
    # these have the width of a position encoding written down in their code
    width = 256 if name in ('conditional', 'dab', 'two_stage') else 32
    maps = len(model['neck']['in_channels'])
    model['neck'].update(in_channels=[16, 32, 64][-maps:], out_channels=width)
    if model['neck'].get('norm_cfg'):
        model['neck']['norm_cfg'] = dict(type='GN', num_groups=8)
    for part in ('encoder', 'decoder', 'positional_encoding', 'bbox_head', 'dn_cfg'):
        _narrow(model.get(part), width)
    model['encoder'].update(num_layers=1)
    model['decoder'].update(num_layers=layers)
    model['positional_encoding'].update(num_feats=width // 2)
    model['bbox_head'].update(num_classes=classes, embed_dims=width)
    if 'dn_cfg' in model:
        model['dn_cfg']['group_cfg'] = dict(dynamic=True, num_groups=None, num_dn_queries=8)
    model['num_queries'] = queries
    return model


def _narrow(part: Any, width: int) -> None:
    """Widths of attention and feed-forward layers, wherever they stand."""
    for key, value in part.items() if isinstance(part, dict) else ():
        if key in ('embed_dims', 'feedforward_channels'):
            part[key] = width
        else:
            _narrow(value, width)


@lru_cache
def _zoo_model(name: str) -> dict:
    """The model of mmdet's config, as shipped."""
    return Config.fromstring(f"_base_ = ['mmdet::{CONFIGS[name]}']", '.py').model.to_dict()


def build_query_detector(config: dict, seed: int = 0) -> Any:
    """Built for training but for batch norm and dropout, with scores and boxes of all kinds."""
    init_default_scope('mmdet')
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(copy.deepcopy(config))
    if hasattr(model, 'level_embed'):  # built from memory as it is found
        nn.init.normal_(model.level_embed)
    for parameter in model.bbox_head.parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter, std=1.5 / parameter.size(1) ** 0.5)
    if hasattr(model.bbox_head, 'fc_cls'):
        _spread(model)
    model.train()
    still = (nn.modules.batchnorm._BatchNorm, nn.Dropout, nn.MultiheadAttention)
    for module in model.modules():
        if isinstance(module, still):
            module.eval()
    return model


@torch.no_grad()
def _spread(model: Any) -> None:
    """Queries of an untrained DETR are all alike: let them attend and score differently."""
    model.query_embedding.weight *= 10
    logits = model.eval()(*batch(), mode='tensor')[0].flatten(0, 2)
    mean, std, last = logits.mean(0), logits.std(0), model.bbox_head.fc_cls
    last.weight /= std.unsqueeze(1)
    last.bias.copy_((last.bias - mean) / std)
