"""MobileNetV1, the student of the literature's ImageNet tables that mmpretrain lacks."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmlogitkd.registry import MODELS

from .base import conv_layer

STEM = 32
# of every depthwise-separable block: output channels at widen factor 1, stride
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *[(512, 1)] * 5,
    (1024, 2),
    (1024, 1),
)


@MODELS.register_module()
class MobileNetV1(BaseModule):
    """A 3x3 stem of stride 2 and 13 depthwise-separable blocks, 32 times smaller in the end.

    A block filters every channel with a 3x3 convolution and mixes the channels with a 1x1 one;
    batch norm and ReLU follow each. From `MobileNets <https://arxiv.org/abs/1704.04861>`_, table 1.
    With a linear head for 1000 classes it has 4,231,976 parameters. Parameter names are those of
    `mdistiller <https://github.com/megvii-research/mdistiller>`_, whose ImageNet configs call it
    MobileNetV1 or, misleadingly, MobileNetV2; the classifier ``fc`` is the head's here.

    Args:
        widen_factor: Multiplies all channels, rounded down.
        in_channels: Channels of the image.
        init_cfg: MMEngine's initialisation. The default, None, keeps PyTorch's own, as that code
            does; the paper names none.

    Shapes:
        Images (N, in_channels, H, W) give one map (N, 1024 * widen_factor, H / 32, W / 32): 7x7 of
        224x224 images.

    Raises:
        ValueError: If ``widen_factor`` leaves the stem without channels.

    Example:
        >>> import torch
        >>> from mmlogitkd.backbones import MobileNetV1
        >>> (feature,) = MobileNetV1(widen_factor=0.25)(torch.zeros(2, 3, 64, 64))
        >>> feature.shape
        torch.Size([2, 256, 2, 2])
    """

    def __init__(
        self,
        widen_factor: float = 1.0,
        in_channels: int = 3,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        if int(STEM * widen_factor) < 1:
            raise ValueError(f'widen_factor must be at least 1/{STEM}, got {widen_factor}')
        super().__init__(init_cfg)
        width = int(STEM * widen_factor)
        self.model = nn.Sequential(nn.Sequential(*conv_layer(in_channels, width, 3, stride=2)))
        for channels, stride in BLOCKS:
            out = int(channels * widen_factor)
            depthwise = conv_layer(width, width, 3, stride, groups=width)
            self.model.append(nn.Sequential(*depthwise, *conv_layer(width, out, 1)))
            width = out

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Return the last map after its activation, in a tuple, as mmpretrain's necks take it."""
        return (self.model(x),)
