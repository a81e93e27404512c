from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmlogitkd.backbones import MobileNetV1

# Pooled features 0, 100, ..., 1000 that mdistiller's mobilenetv1.py gives for the image of
# `noise` with the weights of `fill`. Both functions use nothing of this package, so the same lines
# run on that file's network (its head left out) and print them again.
CHANNELS = range(0, 1024, 100)
FEATURES = (
    *(0.070490737, 2.409084309, 0.203997052, 0.647715084, 0.069685620, 0.453267109),
    *(1.280667734, 0.123488882, 0.144758945, 0.760384528, 1.799758180),
)


def fill(network: nn.Module) -> None:
    """Give every tensor values of a frozen stream that keep the activations' size."""
    stream = np.random.RandomState(0)
    for name, value in network.state_dict().items():
        if value.dim() == 4:
            drawn = stream.randn(*value.shape) * (2 / value[0].numel()) ** 0.5
        elif name.endswith('num_batches_tracked'):
            continue
        elif name.endswith(('weight', 'running_var')):
            drawn = stream.uniform(0.5, 1.5, tuple(value.shape))
        else:
            drawn = stream.uniform(-0.2, 0.2, tuple(value.shape))
        value.copy_(torch.from_numpy(drawn))


def noise(size: int) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(1).randn(1, 3, size, size))


def literature_keys() -> dict[str, tuple[int, ...]]:
    """Key and shape of every tensor of that file's network but its head, from its description."""
    shapes = {}
    stages = [(64, 1), (128, 2), (256, 2), (512, 6), (1024, 2)]
    widths = [out for out, blocks in stages for _ in range(blocks)]
    for block, (width, out) in enumerate(zip([3, 32, *widths], [32, *widths], strict=False)):
        convolutions = (
            [(out, width, 3, 3)] if block == 0 else [(width, 1, 3, 3), (out, width, 1, 1)]
        )
        for index, shape in enumerate(convolutions):
            shapes[f'model.{block}.{3 * index}.weight'] = shape
            norm = f'model.{block}.{3 * index + 1}'
            names = ('weight', 'bias', 'running_mean', 'running_var')
            shapes |= {f'{norm}.{name}': shape[:1] for name in names}
            shapes[f'{norm}.num_batches_tracked'] = ()
    return shapes


def test_parameters_and_names_are_those_of_the_literature() -> None:
    backbone = MobileNetV1()
    assert sum(p.numel() for p in backbone.parameters()) + 1025 * 1000 == 4_231_976
    shapes = {key: tuple(value.shape) for key, value in backbone.state_dict().items()}
    assert shapes == literature_keys()


def test_features_are_those_of_the_literature_s_network() -> None:
    backbone = MobileNetV1().double().eval()
    fill(backbone)
    with torch.no_grad():
        (last,) = backbone(noise(224))
    assert last.shape == (1, 1024, 7, 7)
    pooled = last.mean(dim=(2, 3))[0, list(CHANNELS)]
    torch.testing.assert_close(
        pooled, torch.tensor(FEATURES, dtype=torch.float64), rtol=0, atol=1e-8
    )


def test_is_built_by_name_and_ends_in_an_activation() -> None:
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(dict(type='mmlogitkd.MobileNetV1', widen_factor=0.5))
    outs = model(noise(64).float())
    assert isinstance(outs, tuple) and len(outs) == 1
    assert outs[0].shape == (1, 512, 2, 2)
    assert outs[0].min() == 0 and outs[0].max() > 0


def test_widen_factor_multiplies_every_width() -> None:
    full, half = MobileNetV1().state_dict(), MobileNetV1(0.5).state_dict()
    assert list(full) == list(half)
    assert all(
        half[key].shape[:1] == (n // 2,) for key, value in full.items() for n in value.shape[:1]
    )


@pytest.mark.parametrize('widen_factor', [0.0, 0.03, -1.0])
def test_no_channels_are_refused(widen_factor: float) -> None:
    with pytest.raises(ValueError, match=f'got {widen_factor}'):
        MobileNetV1(widen_factor)
