"""The VGG networks with batch norm for 32x32 images that the literature compares with."""

from torch import Tensor, nn

from mmlogitkd.registry import MODELS

from .base import HE_NORMAL, CIFARBackbone

WIDTHS = (64, 128, 256, 512, 512)
# convolutions in each of the five blocks
CONVOLUTIONS = {
    8: (1, 1, 1, 1, 1),
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


@MODELS.register_module()
class CIFARVGG(CIFARBackbone):
    """VGG with batch norm for 32x32 images: five blocks, a 2x2 max pooling after the first three.

    A layer is a 3x3 convolution with bias, batch norm and ReLU; blocks have 64, 128, 256, 512 and
    512 channels. Parameter names are those of the published checkpoints
    (`RepDistiller <https://github.com/HobbitLong/RepDistiller>`_), except that the classifier
    ``classifier`` is the head's ``fc`` here. After
    `Very Deep Convolutional Networks <https://arxiv.org/abs/1409.1556>`_, whose three fully
    connected layers are one here; depth 8 is the literature's own.

    Args:
        depth: 8, 11, 13, 16 or 19: named after the ImageNet networks, whose classifier has two
            more layers.
        pools: How many blocks a pooling follows: 3, or 4 as that code does for 64x64 images,
            whose last map then is 4x4 too.
        in_channels: Channels of the image.
        channels_last: Compute in the channels-last memory format, which is faster on CPUs.
            Parameters, shapes and meaning stay the same.
        init_cfg: MMEngine's initialisation. The default is He's normal with fan-out and biases of
            0, as in the literature's code.

    Shapes:
        Images (N, in_channels, H, W), H and W multiples of ``2 ** pools``, give one map
        (N, 512, H / 2 ** pools, W / 2 ** pools).

    Raises:
        ValueError: If ``depth`` or ``pools`` is another.

    Example:
        >>> import torch
        >>> from mmlogitkd.backbones import CIFARVGG
        >>> (feature,) = CIFARVGG(depth=8)(torch.zeros(2, 3, 32, 32))
        >>> feature.shape
        torch.Size([2, 512, 4, 4])
    """

    def __init__(
        self,
        depth: int = 13,
        pools: int = 3,
        in_channels: int = 3,
        channels_last: bool = False,
        init_cfg: dict | list[dict] | None = HE_NORMAL,
    ) -> None:
        if depth not in CONVOLUTIONS:
            raise ValueError(f'depth must be one of {tuple(CONVOLUTIONS)}, got {depth}')
        if pools not in (3, 4):
            raise ValueError(f'pools must be 3, or 4 for 64x64 images, got {pools}')
        super().__init__(channels_last, init_cfg)
        self.pools = pools
        self.pool = nn.MaxPool2d(2)
        width = in_channels
        for index, (out, layers) in enumerate(zip(WIDTHS, CONVOLUTIONS[depth], strict=True)):
            self.add_module(f'block{index}', _block(width, out, layers))
            width = out

    def last_map(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, 512, H / 2 ** pools, W / 2 ** pools)."""
        for index in range(len(WIDTHS)):
            x = self.get_submodule(f'block{index}')(x)
            x = self.pool(x) if index < self.pools else x
        return x


def _block(in_channels: int, out_channels: int, layers: int) -> nn.Sequential:
    """``layers`` times convolution, batch norm and ReLU."""
    modules: list[nn.Module] = []
    for width in (in_channels, *[out_channels] * (layers - 1)):
        modules += [
            nn.Conv2d(width, out_channels, 3, padding=1),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*modules)
