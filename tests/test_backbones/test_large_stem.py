from __future__ import annotations

from typing import Any

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from torch import nn

RESNET = dict(type='mmlogitkd.CIFARResNet', depth=8)
MOBILENET = dict(type='mmlogitkd.CIFARMobileNetV2')
# side of the last map of 224x224 images in SDD's code, which averages 28x28, 14x14 and 8x8
NETWORKS = [
    pytest.param(RESNET, 28, id='resnet'),
    pytest.param(dict(type='mmlogitkd.CIFARShuffleNetV1'), 14, id='shufflenet-v1'),
    pytest.param(dict(type='mmlogitkd.CIFARShuffleNetV2'), 14, id='shufflenet-v2'),
    pytest.param(MOBILENET, 7, id='mobilenet-v2'),
    pytest.param(dict(type='ResNet_CIFAR', depth=18), 14, id='resnet18'),
]


def build(network: dict[str, Any], stem: bool = True) -> nn.Module:
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(dict(type='mmlogitkd.LargeStem', network=network) if stem else network)


def last_side(backbone: nn.Module, side: int) -> int:
    """Height of the last map, from shapes alone."""
    (feature,) = backbone.to('meta')(torch.zeros(1, 3, side, side, device='meta'))
    return feature.shape[2]


@pytest.mark.parametrize(('network', 'side'), NETWORKS)
def test_maps_of_large_images_are_those_of_the_released_code(network, side) -> None:
    backbone, own = build(network), build(network, stem=False)
    assert type(backbone) is type(own)
    assert list(backbone.state_dict()) == list(own.state_dict())
    changed = [
        name
        for (name, new), old in zip(
            backbone.state_dict().items(), own.state_dict().values(), strict=True
        )
        if new.shape != old.shape
    ]
    assert changed == [next(iter(own.state_dict()))]
    assert backbone.state_dict()[changed[0]].shape[2:] == (7, 7)
    assert last_side(backbone, 224) == side
    assert last_side(own, 112) == side


def test_the_new_convolution_is_initialised_like_the_others() -> None:
    torch.manual_seed(0)
    backbone = build(RESNET)
    backbone.init_weights()
    fan_out = 16 * 7 * 7
    assert backbone.conv1.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.1)


def test_a_stride_of_two_stays_and_pooling_follows_the_activation() -> None:
    stem = build(MOBILENET).conv1
    kinds = [type(layer) for layer in stem]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d]
    assert stem[0].stride == (2, 2)
    assert stem(torch.zeros(1, 3, 64, 64)).shape[2:] == (16, 16)


@pytest.mark.parametrize(
    'network', [dict(type='mmlogitkd.CIFARVGG'), dict(type='ResNet', depth=18)]
)
def test_other_stems_are_refused(network: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=network['type']):
        build(network)
