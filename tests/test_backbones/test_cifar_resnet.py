import pytest
import torch
from mmengine.registry import MODELS

from mmlogitkd.backbones import CIFARResNet

NARROW = (16, 16, 32, 64)
WIDE = (32, 64, 128, 256)


def _literature_keys(depth, channels):
    """Key and shape of every tensor in a published checkpoint, from the networks' description."""
    stem, *stages = channels

    def norm(name, width):
        shapes = {f'{name}.{key}': (width,) for key in ('weight', 'bias')}
        shapes |= {f'{name}.running_{key}': (width,) for key in ('mean', 'var')}
        return shapes | {f'{name}.num_batches_tracked': ()}

    expected = {'conv1.weight': (stem, 3, 3, 3), **norm('bn1', stem)}
    width = stem
    for stage, out in enumerate(stages, start=1):
        for block in range((depth - 2) // 6):
            name = f'layer{stage}.{block}'
            expected[f'{name}.conv1.weight'] = (out, width, 3, 3)
            expected[f'{name}.conv2.weight'] = (out, out, 3, 3)
            expected |= norm(f'{name}.bn1', out) | norm(f'{name}.bn2', out)
            if block == 0 and (stage > 1 or width != out):
                expected[f'{name}.downsample.0.weight'] = (out, width, 1, 1)
                expected |= norm(f'{name}.downsample.1', out)
            width = out
    return expected


@pytest.mark.parametrize(
    ('depth', 'channels', 'parameters'),
    [
        (8, NARROW, 83_892),
        (14, NARROW, 181_108),
        (20, NARROW, 278_324),
        (32, NARROW, 472_756),
        (44, NARROW, 667_188),
        (56, NARROW, 861_620),
        (110, NARROW, 1_736_564),
        (8, WIDE, 1_233_540),
        (32, WIDE, 7_433_860),
    ],
)
def test_parameters_and_names_are_those_of_the_literature(depth, channels, parameters):
    # METHODS' rounded figures (0.28 M for resnet20 ... 7.43 M for resnet32x4), counted with fc.
    backbone = CIFARResNet(depth, channels)
    classifier = (channels[-1] + 1) * 100
    assert sum(p.numel() for p in backbone.parameters()) + classifier == parameters
    shapes = {key: tuple(value.shape) for key, value in backbone.state_dict().items()}
    assert shapes == _literature_keys(depth, channels)


def test_output_is_the_activated_last_map():
    model = MODELS.build(dict(type='mmlogitkd.CIFARResNet', depth=14))
    model.init_weights()
    outs = model(torch.randn(2, 3, 32, 32))
    assert isinstance(outs, tuple) and len(outs) == 1
    assert outs[0].shape == (2, 64, 8, 8)
    assert outs[0].min() == 0 and outs[0].max() > 0


def test_zero_residual_branches_leave_the_shortcut():
    model = CIFARResNet(8).eval()
    x = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if '.bn2.' in name:
                parameter.zero_()
        stem = model.relu(model.bn1(model.conv1(x)))
        expected = stem
        for stage in (model.layer2, model.layer3):
            expected = torch.relu(stage[0].downsample(expected))
        torch.testing.assert_close(model(x)[0], expected)


def test_initialisation_is_he_with_fan_out():
    torch.manual_seed(0)
    model = CIFARResNet(8, WIDE)
    model.init_weights()
    for name in ('conv1', 'layer2.0.conv1', 'layer3.0.downsample.0'):
        conv = model.get_submodule(name)
        fan_out = conv.out_channels * conv.kernel_size[0] * conv.kernel_size[1]
        assert conv.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.1)
    assert torch.equal(model.bn1.weight, torch.ones(32))


@pytest.mark.parametrize('depth', [2, 7, 18, 57])
def test_impossible_depths_are_refused(depth):
    with pytest.raises(ValueError, match=f'got {depth}'):
        CIFARResNet(depth)


def test_channels_must_be_four():
    with pytest.raises(ValueError, match=r'got \(16, 32, 64\)'):
        CIFARResNet(20, (16, 32, 64))
