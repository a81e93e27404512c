"""ShuffleNetV1 for 32x32 images as the distillation literature has it."""

import torch
from torch import Tensor, nn

from mmlogitkd.registry import MODELS

from .base import CIFARBackbone

STEM = 24
STAGES = ((240, 4), (480, 8), (960, 4))  # channels, blocks
GROUPS = 3


class ShuffleUnit(nn.Module):
    """Grouped 1x1 convolution, channel shuffle, depthwise 3x3, grouped 1x1, with a shortcut.

    At stride 1 the input is added; at stride 2 its average pooling is concatenated behind, so
    ``out_channels`` of the convolutions become ``out_channels + in_channels``. ReLU ends both.

    Args:
        in_channels: Channels of the input map.
        out_channels: Channels of the last convolution; ``in_channels`` at stride 1.
        stride: Stride of the 3x3 convolution, 1 or 2.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        width = out_channels // 4
        groups = 1 if in_channels == STEM else GROUPS  # the stem's few channels are not grouped
        self.conv1 = nn.Conv2d(in_channels, width, 1, groups=groups, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.shuffle = nn.ChannelShuffle(groups)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, groups=width, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, groups=GROUPS, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.AvgPool2d(3, stride=2, padding=1) if stride == 2 else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, H, W), or to (N, out_channels + C, H / 2, W / 2)."""
        out = self.shuffle(self.relu(self.bn1(self.conv1(x))))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out = out + x if self.pool is None else torch.cat([out, self.pool(x)], dim=1)
        return self.relu(out)


@MODELS.register_module()
class CIFARShuffleNetV1(CIFARBackbone):
    """ShuffleNetV1 for 32x32 images: a 1x1 stem of 24 channels and three stages of stride 2.

    Stages of 4, 8 and 4 units with 240, 480 and 960 channels in 3 groups; of the
    `paper <https://arxiv.org/abs/1707.01083>`_'s stem, stride and pooling are left out. Parameter
    names are those of the published checkpoints
    (`RepDistiller <https://github.com/HobbitLong/RepDistiller>`_), except that the classifier
    ``linear`` is the head's ``fc`` here.

    Args:
        in_channels: Channels of the image.
        channels_last: Compute in the channels-last memory format. Parameters, shapes and meaning
            stay the same.
        init_cfg: MMEngine's initialisation. The default, None, keeps PyTorch's own, as in the
            literature's code.

    Shapes:
        Images (N, in_channels, H, W), H and W multiples of 8, give one map
        (N, 960, H / 8, W / 8).

    Example:
        >>> import torch
        >>> from mmlogitkd.backbones import CIFARShuffleNetV1
        >>> (feature,) = CIFARShuffleNetV1()(torch.zeros(2, 3, 32, 32))
        >>> feature.shape
        torch.Size([2, 960, 4, 4])
    """

    def __init__(
        self,
        in_channels: int = 3,
        channels_last: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(channels_last, init_cfg)
        self.conv1 = nn.Conv2d(in_channels, STEM, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM)
        self.relu = nn.ReLU(inplace=True)
        width = STEM
        for index, (out, units) in enumerate(STAGES, start=1):
            rest = [ShuffleUnit(out, out, stride=1) for _ in range(units - 1)]
            first = ShuffleUnit(width, out - width, stride=2)
            self.add_module(f'layer{index}', nn.Sequential(first, *rest))
            width = out

    def last_map(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, 960, H / 8, W / 8)."""
        x = self.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x)))
