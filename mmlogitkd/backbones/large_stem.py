"""The stem that the literature gives its CIFAR networks for images of 224x224."""

from typing import Any

from torch import nn

from mmlogitkd.registry import MODELS


@MODELS.register_module(name='LargeStem')
def large_stem(network: dict[str, Any]) -> nn.Module:
    """Build a network whose first convolution is a 7x7 one with twice the stride.

    SDD's `released code <https://github.com/shicaiwei123/SDD-CVPR2024>`_ changes ResNet32x4,
    ResNet50, ShuffleNetV1 and V2 and MobileNetV2 like this for CUB-200 (and VGG not at all). A
    stride of 1 becomes 2; where it is 2 already, as in MobileNetV2, the convolution keeps it and a
    2x2 max pooling follows the stem's activation. What comes out is the network itself, with its
    own parameter names and initialisation.

    Args:
        network: Config of a backbone whose ``conv1`` is a convolution without bias, or a
            sequence that begins with one.

    Returns:
        The backbone; its maps are half as high and wide as before.

    Raises:
        ValueError: If the network has no such ``conv1``, or its stride is neither 1 nor 2.

    Example:
        >>> import torch
        >>> from mmlogitkd.backbones import large_stem
        >>> backbone = large_stem(dict(type='mmlogitkd.CIFARResNet', depth=8))
        >>> backbone(torch.zeros(1, 3, 224, 224))[0].shape
        torch.Size([1, 64, 28, 28])
    """
    backbone = MODELS.build(network)
    stem = getattr(backbone, 'conv1', None)
    sequence = stem if isinstance(stem, nn.Sequential) else None
    conv = sequence[0] if sequence is not None else stem
    if not isinstance(conv, nn.Conv2d) or conv.bias is not None:
        raise ValueError(
            f'network must have a convolution without bias as conv1, {network["type"]} has '
            f'{type(conv).__name__}; use it as it is'
        )
    pooled = conv.stride == (2, 2) and sequence is not None
    if not pooled and conv.stride != (1, 1):
        raise ValueError(
            f'the stride of conv1 must be 1, or 2 in a sequence with its activation, got '
            f'{conv.stride} in {network["type"]}'
        )
    larger = nn.Conv2d(conv.in_channels, conv.out_channels, 7, stride=2, padding=3, bias=False)
    if sequence is None:
        backbone.conv1 = larger
    else:
        sequence[0] = larger
        if pooled:
            sequence.append(nn.MaxPool2d(2))
    return backbone
