import pytest
import torch
from mmengine.registry import MODELS

from mmlogitkd.backbones import CIFARShuffleNetV1


def test_parameters_with_a_classifier_of_100():
    backbone = CIFARShuffleNetV1()
    assert sum(p.numel() for p in backbone.parameters()) + (960 + 1) * 100 == 949_258


def test_output_is_the_activated_last_map():
    outs = MODELS.build(dict(type='mmlogitkd.CIFARShuffleNetV1'))(torch.randn(2, 3, 32, 32))
    assert isinstance(outs, tuple) and len(outs) == 1
    assert outs[0].shape == (2, 960, 4, 4)
    assert outs[0].min() == 0 and outs[0].max() > 0


def test_initialisation_is_pytorchs_own():
    torch.manual_seed(0)
    model = CIFARShuffleNetV1()
    model.init_weights()
    conv = model.layer3[1].conv3
    bound = (conv.groups / conv.in_channels) ** 0.5  # uniform within 1 / sqrt(fan_in)
    assert conv.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert conv.weight.abs().max() <= bound
