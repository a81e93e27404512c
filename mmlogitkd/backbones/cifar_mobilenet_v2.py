"""MobileNetV2 for 32x32 images as the distillation literature has it."""

from torch import Tensor, nn

from mmlogitkd.registry import MODELS

from .base import HE_NORMAL, CIFARBackbone, conv_layer

# of every stage: channels at widen factor 1, blocks, stride
STAGES = (
    (16, 1, 1),
    (24, 2, 1),
    (32, 3, 2),
    (64, 4, 2),
    (96, 3, 1),
    (160, 3, 2),
    (320, 1, 1),
)


class InvertedResidual(nn.Module):
    """Expand with a 1x1 convolution, filter each channel with a 3x3 one, project with a 1x1 one.

    The projection has no activation. The input is added where its shape is the output's.

    Args:
        in_channels: Channels of the input map.
        out_channels: Channels of the output map.
        stride: Stride of the 3x3 convolution.
        expand_ratio: Channels of the 3x3 convolution per input channel.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expand_ratio: int) -> None:
        super().__init__()
        width = in_channels * expand_ratio
        self.conv = nn.Sequential(
            *conv_layer(in_channels, width, 1),
            *conv_layer(width, width, 3, stride, groups=width),
            *conv_layer(width, out_channels, 1)[:2],
        )
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H / stride, W / stride)."""
        return x + self.conv(x) if self.residual else self.conv(x)


@MODELS.register_module()
class CIFARMobileNetV2(CIFARBackbone):
    """MobileNetV2 for 32x32 images: stride 16, ReLU, 1280 channels in the end.

    The network that CIFAR-100's distillation tables call MobileNetV2 has ``widen_factor=0.5`` and
    ``expand_ratio=6``. Other than in the `paper <https://arxiv.org/abs/1801.04381>`_, the second
    stage has stride 1, ReLU is not cut at 6, the first stage keeps its expanding convolution at a
    ratio of 1, and channels are rounded down to whole numbers, not to multiples of 8. Parameter
    names are those of the published checkpoints
    (`RepDistiller <https://github.com/HobbitLong/RepDistiller>`_), except that the classifier
    ``classifier.0`` is the head's ``fc`` here.

    Args:
        widen_factor: Multiplies the channels of the stem and the stages, and the last 1280 where
            it is above 1.
        expand_ratio: Channels inside a block per input channel, from the second stage on.
        in_channels: Channels of the image.
        channels_last: Compute in the channels-last memory format. Parameters, shapes and meaning
            stay the same.
        init_cfg: MMEngine's initialisation. The default is He's normal with fan-out, as in the
            literature's code.

    Shapes:
        Images (N, in_channels, H, W), H and W multiples of 16, give one map
        (N, 1280, H / 16, W / 16): 2x2 of 32x32 images.

    Raises:
        ValueError: If ``widen_factor`` leaves a stage without channels, or ``expand_ratio`` is
            no whole number from 1.

    Example:
        >>> import torch
        >>> from mmlogitkd.backbones import CIFARMobileNetV2
        >>> (feature,) = CIFARMobileNetV2()(torch.zeros(2, 3, 32, 32))
        >>> feature.shape
        torch.Size([2, 1280, 2, 2])
    """

    def __init__(
        self,
        widen_factor: float = 0.5,
        expand_ratio: int = 6,
        in_channels: int = 3,
        channels_last: bool = False,
        init_cfg: dict | list[dict] | None = HE_NORMAL,
    ) -> None:
        if int(16 * widen_factor) < 1:
            raise ValueError(f'widen_factor must be at least 1/16, got {widen_factor}')
        if not isinstance(expand_ratio, int) or expand_ratio < 1:
            raise ValueError(f'expand_ratio must be a whole number from 1, got {expand_ratio}')
        super().__init__(channels_last, init_cfg)
        width = int(32 * widen_factor)
        self.conv1 = nn.Sequential(*conv_layer(in_channels, width, 3, stride=2))
        self.blocks = nn.Sequential()
        for index, (channels, blocks, stride) in enumerate(STAGES):
            out, ratio = int(channels * widen_factor), expand_ratio if index else 1
            first = InvertedResidual(width, out, stride, ratio)
            rest = [InvertedResidual(out, out, 1, ratio) for _ in range(blocks - 1)]
            self.blocks.append(nn.Sequential(first, *rest))
            width = out
        self.conv2 = nn.Sequential(*conv_layer(width, int(1280 * max(widen_factor, 1)), 1))

    def last_map(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, 1280, H / 16, W / 16)."""
        return self.conv2(self.blocks(self.conv1(x)))
