"""ShuffleNetV2 for 32x32 images as the distillation literature has it."""

import torch
from torch import Tensor, nn

from mmlogitkd.registry import MODELS

from .base import CIFARBackbone

STEM = 24
STAGES = ((116, 3), (232, 7), (464, 3))  # channels, units of stride 1 after one of stride 2
LAST = 1024


class BasicUnit(nn.Module):
    """Leave half the channels as they are, convolve the other half, shuffle the two.

    Args:
        channels: Channels of the input and of the output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = nn.Conv2d(half, half, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, half, 3, padding=1, groups=half, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(half, half, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(half)
        self.relu = nn.ReLU(inplace=True)
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to the same shape."""
        kept, out = x.chunk(2, dim=1)
        out = self.relu(self.bn1(self.conv1(out)))
        out = self.bn2(self.conv2(out))
        out = self.relu(self.bn3(self.conv3(out)))
        return self.shuffle(torch.cat([kept, out], dim=1))


class DownUnit(nn.Module):
    """Two branches with a depthwise 3x3 convolution of stride 2 each, concatenated and shuffled.

    Args:
        in_channels: Channels of the input map.
        out_channels: Channels of the output map, half from each branch.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.conv1 = nn.Conv2d(in_channels, in_channels, 3, 2, 1, groups=in_channels, bias=False)
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv2 = nn.Conv2d(in_channels, half, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(in_channels, half, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(half)
        self.conv4 = nn.Conv2d(half, half, 3, 2, 1, groups=half, bias=False)
        self.bn4 = nn.BatchNorm2d(half)
        self.conv5 = nn.Conv2d(half, half, 1, bias=False)
        self.bn5 = nn.BatchNorm2d(half)
        self.relu = nn.ReLU(inplace=True)
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H / 2, W / 2)."""
        left = self.bn1(self.conv1(x))
        left = self.relu(self.bn2(self.conv2(left)))
        right = self.relu(self.bn3(self.conv3(x)))
        right = self.bn4(self.conv4(right))
        right = self.relu(self.bn5(self.conv5(right)))
        return self.shuffle(torch.cat([left, right], dim=1))


@MODELS.register_module()
class CIFARShuffleNetV2(CIFARBackbone):
    """ShuffleNetV2 1x for 32x32 images: a 1x1 stem, three stages, a 1x1 convolution to 1024.

    One unit of stride 2 and then 3, 7 and 3 of stride 1, with 116, 232 and 464 channels; of the
    `paper <https://arxiv.org/abs/1807.11164>`_'s stem, stride and pooling are left out. Parameter
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
        (N, 1024, H / 8, W / 8).

    Example:
        >>> import torch
        >>> from mmlogitkd.backbones import CIFARShuffleNetV2
        >>> (feature,) = CIFARShuffleNetV2()(torch.zeros(2, 3, 32, 32))
        >>> feature.shape
        torch.Size([2, 1024, 4, 4])
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
            layer = nn.Sequential(DownUnit(width, out), *[BasicUnit(out) for _ in range(units)])
            self.add_module(f'layer{index}', layer)
            width = out
        self.conv2 = nn.Conv2d(width, LAST, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(LAST)

    def last_map(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, 1024, H / 8, W / 8)."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.relu(self.bn2(self.conv2(x)))
