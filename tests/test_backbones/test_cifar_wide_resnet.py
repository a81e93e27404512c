import pytest
import torch
from mmengine.registry import MODELS

from mmlogitkd.backbones import CIFARWideResNet


@pytest.mark.parametrize(
    ('depth', 'widen_factor', 'parameters'),
    [(16, 1, 180_916), (16, 2, 703_284), (40, 1, 569_780), (40, 2, 2_255_156)],
)
def test_parameters_with_a_classifier_of_100(depth, widen_factor, parameters):
    backbone = CIFARWideResNet(depth, widen_factor)
    classifier = (64 * widen_factor + 1) * 100
    assert sum(p.numel() for p in backbone.parameters()) + classifier == parameters


def test_output_is_the_activated_last_map():
    model = MODELS.build(dict(type='mmlogitkd.CIFARWideResNet', depth=16, widen_factor=2))
    model.init_weights()
    outs = model(torch.randn(2, 3, 32, 32))
    assert isinstance(outs, tuple) and len(outs) == 1
    assert outs[0].shape == (2, 128, 8, 8)
    assert outs[0].min() == 0 and outs[0].max() > 0


def test_a_block_of_equal_width_adds_its_raw_input():
    model = CIFARWideResNet(10, 1).eval()
    names = [name for name, _ in model.named_parameters() if 'convShortcut' in name]
    assert names == [f'block{stage}.layer.0.convShortcut.weight' for stage in (2, 3)]
    x = torch.randn(2, 16, 8, 8)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith('conv2.weight'):
                parameter.zero_()
        assert torch.equal(model.block1(x), x)
        first = model.block2.layer[0]
        expected = first.convShortcut(torch.relu(first.bn1(x)))
        torch.testing.assert_close(model.block2(x), expected)


def test_initialisation_is_he_with_fan_out():
    torch.manual_seed(0)
    model = CIFARWideResNet(10, 4)
    model.init_weights()
    for name in ('conv1', 'block2.layer.0.conv1', 'block3.layer.0.convShortcut'):
        conv = model.get_submodule(name)
        fan_out = conv.out_channels * conv.kernel_size[0] * conv.kernel_size[1]
        assert conv.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.1)
    assert torch.equal(model.bn1.weight, torch.ones(256))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((8, 2), 'depth.*got 8'),
        ((4, 2), 'depth.*got 4'),
        ((16, 0), 'widen_factor.*got 0'),
        ((16, 1.5), r'widen_factor.*got 1\.5'),
    ],
)
def test_impossible_sizes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CIFARWideResNet(*arguments)
