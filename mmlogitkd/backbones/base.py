"""What the networks have in common: one last map, a choice of memory format, a kind of layer."""

from abc import abstractmethod
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

# He's normal with fan-out for convolutions, their biases 0; batch norm starts as the identity,
# by PyTorch's own default. MMEngine copies it before use.
HE_NORMAL: dict[str, Any] = dict(
    type='Kaiming', layer='Conv2d', mode='fan_out', nonlinearity='relu'
)


class CIFARBackbone(BaseModule):
    """A backbone that returns its last map only, after an activation.

    Args:
        channels_last: Compute in the channels-last memory format. Parameters, shapes and meaning
            stay the same.
        init_cfg: MMEngine's initialisation; None keeps PyTorch's own.
    """

    def __init__(self, channels_last: bool, init_cfg: dict | list[dict] | None) -> None:
        super().__init__(init_cfg)
        self.channels_last = channels_last

    @abstractmethod
    def last_map(self, x: Tensor) -> Tensor:
        """Map images (N, in_channels, H, W) to the last activated map (N, D, h, w)."""

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Return the last map in a tuple, as mmpretrain's necks take it.

        Args:
            x: Images (N, in_channels, H, W).

        Returns:
            One map (N, D, h, w); the class says which D, h and w.
        """
        if self.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        return (self.last_map(x),)


def conv_layer(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Convolution that keeps the size but for its stride, batch norm, ReLU."""
    padding = kernel // 2
    return [
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    ]
