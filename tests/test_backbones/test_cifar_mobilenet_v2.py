import pytest
import torch
from mmengine.registry import MODELS

from mmlogitkd.backbones import CIFARMobileNetV2


def test_parameters_with_a_classifier_of_100():
    backbone = CIFARMobileNetV2(widen_factor=0.5, expand_ratio=6)
    assert sum(p.numel() for p in backbone.parameters()) + 1281 * 100 == 812_836


@pytest.mark.parametrize(('widen_factor', 'width'), [(0.5, 1280), (1.5, 1920)])
def test_output_is_the_activated_last_map(widen_factor, width):
    config = dict(type='mmlogitkd.CIFARMobileNetV2', widen_factor=widen_factor)
    model = MODELS.build(config)
    model.init_weights()
    outs = model(torch.randn(2, 3, 32, 32))
    assert isinstance(outs, tuple) and len(outs) == 1
    assert outs[0].shape == (2, width, 2, 2)
    assert outs[0].min() == 0 and outs[0].max() > 0


def test_only_blocks_of_equal_shape_add_their_input():
    blocks = [block for stage in CIFARMobileNetV2(1.0).blocks for block in stage]
    # the first of every stage does not: stages differ in channels
    assert [block.residual for block in blocks].count(False) == 7
    block = blocks[2].eval()
    x = torch.randn(2, 24, 8, 8)
    with torch.no_grad():
        block.conv[-1].weight.zero_()
        assert torch.equal(block(x), x)


def test_initialisation_is_he_with_fan_out():
    torch.manual_seed(0)
    model = CIFARMobileNetV2(1.0)
    model.init_weights()
    for name in ('blocks.4.1.conv.0', 'blocks.4.1.conv.3', 'conv2.0'):  # dense, depthwise, last
        conv = model.get_submodule(name)
        fan_out = conv.out_channels * conv.kernel_size[0] * conv.kernel_size[1]
        assert conv.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.1)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((0.05, 6), r'widen_factor.*0\.05'),
        ((0.5, 0), 'expand_ratio.*0'),
        ((0.5, 1.5), r'expand_ratio.*1\.5'),
    ],
)
def test_impossible_sizes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CIFARMobileNetV2(*arguments)
