"""The residual networks for 32x32 images that the distillation literature compares with."""

from collections.abc import Sequence

from torch import Tensor, nn

from mmlogitkd.registry import MODELS

from .base import HE_NORMAL, CIFARBackbone


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut, ReLU after the sum.

    Args:
        in_channels: Channels of the input map.
        out_channels: Channels of the output map.
        stride: Stride of the first convolution and of the shortcut.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + shortcut)


@MODELS.register_module()
class CIFARResNet(CIFARBackbone):
    """ResNet for 32x32 images: a 3x3 stem and three stages of basic blocks.

    The networks of CIFAR-100's distillation tables: resnet8/14/20/32/44/56/110 with
    ``channels=(16, 16, 32, 64)``, and resnet8x4 and resnet32x4 with
    ``channels=(32, 64, 128, 256)``. Parameter names are those of the published checkpoints
    (`RepDistiller <https://github.com/HobbitLong/RepDistiller>`_), except that the classifier
    ``fc`` is the head's here. From `Deep Residual Learning <https://arxiv.org/abs/1512.03385>`_,
    section 4.2, but with a 1x1 convolution and batch norm where a shortcut changes shape.

    Args:
        depth: Number of weighted layers, ``6 n + 2`` with n >= 1 blocks per stage.
        channels: Channels of the stem and of the three stages.
        in_channels: Channels of the image.
        channels_last: Compute in the channels-last memory format, which is a third faster on
            CPUs. Parameters, shapes and meaning stay the same.
        init_cfg: MMEngine's initialisation. The default is He's normal with fan-out, as in the
            literature's code; batch norm starts as the identity, by PyTorch's own default.

    Shapes:
        Images (N, in_channels, H, W), H and W multiples of 4, give one map
        (N, channels[3], H / 4, W / 4).

    Raises:
        ValueError: If ``depth`` is not ``6 n + 2``, or ``channels`` are not four.

    Example:
        >>> import torch
        >>> from mmlogitkd.backbones import CIFARResNet
        >>> (feature,) = CIFARResNet(depth=8)(torch.zeros(2, 3, 32, 32))
        >>> feature.shape
        torch.Size([2, 64, 8, 8])
    """

    def __init__(
        self,
        depth: int = 20,
        channels: Sequence[int] = (16, 16, 32, 64),
        in_channels: int = 3,
        channels_last: bool = False,
        init_cfg: dict | list[dict] | None = HE_NORMAL,
    ) -> None:
        if depth < 8 or (depth - 2) % 6:
            raise ValueError(f'depth must be 6 n + 2 with n >= 1 (8, 14, 20, 32, ...), got {depth}')
        if len(channels) != 4:
            raise ValueError(f'channels must name the stem and three stages, got {channels!r}')
        super().__init__(channels_last, init_cfg)
        stem, *stages = channels
        self.conv1 = nn.Conv2d(in_channels, stem, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.relu = nn.ReLU(inplace=True)
        blocks = (depth - 2) // 6
        self.layer1 = self._stage(stem, stages[0], blocks, stride=1)
        self.layer2 = self._stage(stages[0], stages[1], blocks, stride=2)
        self.layer3 = self._stage(stages[1], stages[2], blocks, stride=2)

    @staticmethod
    def _stage(in_channels: int, out_channels: int, blocks: int, stride: int) -> nn.Sequential:
        rest = [BasicBlock(out_channels, out_channels) for _ in range(blocks - 1)]
        return nn.Sequential(BasicBlock(in_channels, out_channels, stride), *rest)

    def last_map(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, channels[3], H / 4, W / 4)."""
        x = self.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x)))
