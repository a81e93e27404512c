"""The wide residual networks for 32x32 images that the distillation literature compares with."""

from collections import OrderedDict

from torch import Tensor, nn

from mmlogitkd.registry import MODELS

from .base import HE_NORMAL, CIFARBackbone


class PreActivationBlock(nn.Module):
    """Batch norm, ReLU and a 3x3 convolution, twice, with a shortcut and nothing after the sum.

    Where the channels change, the shortcut is a 1x1 convolution of the activated input; elsewhere
    it is the input itself, also at a stride of 1 only.

    Args:
        in_channels: Channels of the input map.
        out_channels: Channels of the output map.
        stride: Stride of the first convolution and of the shortcut's.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.convShortcut: nn.Conv2d | None = None  # the name in published checkpoints
        if in_channels != out_channels:
            self.convShortcut = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H / stride, W / stride)."""
        active = self.relu(self.bn1(x))
        shortcut = x if self.convShortcut is None else self.convShortcut(active)
        return shortcut + self.conv2(self.relu(self.bn2(self.conv1(active))))


@MODELS.register_module()
class CIFARWideResNet(CIFARBackbone):
    """Wide ResNet for 32x32 images: a 3x3 stem, three stages of blocks, batch norm and ReLU.

    The networks of CIFAR-100's distillation tables are WRN-16-1, -16-2, -40-1 and -40-2 (depth
    and widen factor). Stages have 16, 32 and 64 times ``widen_factor`` channels, the stem 16.
    Parameter names are those of the published checkpoints
    (`RepDistiller <https://github.com/HobbitLong/RepDistiller>`_), except that the classifier
    ``fc`` is the head's here. From `Wide Residual Networks <https://arxiv.org/abs/1605.07146>`_,
    without dropout.

    Args:
        depth: Number of weighted layers as the paper counts them, ``6 n + 4`` with n >= 1 blocks
            per stage.
        widen_factor: Multiplies the stages' channels.
        in_channels: Channels of the image.
        channels_last: Compute in the channels-last memory format. Parameters, shapes and meaning
            stay the same.
        init_cfg: MMEngine's initialisation. The default is He's normal with fan-out, as in the
            literature's code.

    Shapes:
        Images (N, in_channels, H, W), H and W multiples of 4, give one map
        (N, 64 * widen_factor, H / 4, W / 4).

    Raises:
        ValueError: If ``depth`` is not ``6 n + 4``, or ``widen_factor`` is no whole number from 1.

    Example:
        >>> import torch
        >>> from mmlogitkd.backbones import CIFARWideResNet
        >>> (feature,) = CIFARWideResNet(depth=16, widen_factor=2)(torch.zeros(2, 3, 32, 32))
        >>> feature.shape
        torch.Size([2, 128, 8, 8])
    """

    def __init__(
        self,
        depth: int = 40,
        widen_factor: int = 2,
        in_channels: int = 3,
        channels_last: bool = False,
        init_cfg: dict | list[dict] | None = HE_NORMAL,
    ) -> None:
        if depth < 10 or (depth - 4) % 6:
            raise ValueError(f'depth must be 6 n + 4 with n >= 1 (10, 16, 22, ...), got {depth}')
        if not isinstance(widen_factor, int) or widen_factor < 1:
            raise ValueError(f'widen_factor must be a whole number from 1, got {widen_factor}')
        super().__init__(channels_last, init_cfg)
        width = 16
        blocks = (depth - 4) // 6
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.block1 = _stage(width, width * widen_factor, blocks, stride=1)
        self.block2 = _stage(width * widen_factor, 2 * width * widen_factor, blocks, stride=2)
        self.block3 = _stage(2 * width * widen_factor, 4 * width * widen_factor, blocks, stride=2)
        self.bn1 = nn.BatchNorm2d(4 * width * widen_factor)
        self.relu = nn.ReLU(inplace=True)

    def last_map(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, 64 * widen_factor, H / 4, W / 4)."""
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.relu(self.bn1(x))


def _stage(in_channels: int, out_channels: int, blocks: int, stride: int) -> nn.Sequential:
    """Blocks under the name ``layer``, as published checkpoints have them."""
    rest = [PreActivationBlock(out_channels, out_channels) for _ in range(blocks - 1)]
    layer = nn.Sequential(PreActivationBlock(in_channels, out_channels, stride), *rest)
    return nn.Sequential(OrderedDict(layer=layer))
