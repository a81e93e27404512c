import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from mmlogitkd.backbones import CIFARVGG


@pytest.mark.parametrize(
    ('depth', 'parameters'),
    [(8, 3_965_028), (11, 9_277_284), (13, 9_462_180), (16, 14_774_436), (19, 20_086_692)],
)
def test_parameters_with_a_classifier_of_100(depth, parameters):
    backbone = CIFARVGG(depth)
    assert sum(p.numel() for p in backbone.parameters()) + 513 * 100 == parameters
    # 11 to 19 are named after the ImageNet networks, with three linear layers
    convolutions = sum(isinstance(m, nn.Conv2d) for m in backbone.modules())
    assert convolutions + 3 == depth


@pytest.mark.parametrize(('pools', 'size'), [(3, 32), (4, 64)])
def test_output_is_the_activated_last_map(pools, size):
    model = MODELS.build(dict(type='mmlogitkd.CIFARVGG', depth=8, pools=pools))
    model.init_weights()
    outs = model(torch.randn(2, 3, size, size))
    assert isinstance(outs, tuple) and len(outs) == 1
    assert outs[0].shape == (2, 512, 4, 4)
    assert outs[0].min() == 0 and outs[0].max() > 0


def test_initialisation_is_he_with_fan_out_and_no_bias():
    torch.manual_seed(0)
    model = CIFARVGG(8)
    model.init_weights()
    for name in ('block0.0', 'block3.0'):
        conv = model.get_submodule(name)
        assert conv.weight.std().item() == pytest.approx(
            (2 / conv.out_channels / 9) ** 0.5, rel=0.1
        )
        assert not conv.bias.any()


@pytest.mark.parametrize(
    ('arguments', 'message'), [((12,), r'depth.*8, 11.*got 12'), ((8, 5), r'pools.*got 5')]
)
def test_other_sizes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CIFARVGG(*arguments)
