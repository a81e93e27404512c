"""What every CIFAR backbone keeps."""

import doctest
import importlib
import pkgutil

import pytest
import torch
from mmengine.registry import MODELS

from mmlogitkd import backbones

BACKBONES = [
    dict(type='mmlogitkd.CIFARResNet', depth=8),
    dict(type='mmlogitkd.CIFARWideResNet', depth=10, widen_factor=1),
    dict(type='mmlogitkd.CIFARVGG', depth=8),
    dict(type='mmlogitkd.CIFARMobileNetV2', widen_factor=0.25),
    dict(type='mmlogitkd.CIFARShuffleNetV1'),
    dict(type='mmlogitkd.CIFARShuffleNetV2'),
]


@pytest.mark.parametrize('config', BACKBONES, ids=lambda config: config['type'].split('.')[1])
def test_channels_last_changes_the_layout_only(config):
    torch.manual_seed(0)
    plain, fast = MODELS.build(config).eval(), MODELS.build(dict(config, channels_last=True)).eval()
    fast.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        (a,), (b,) = plain(x), fast(x)
    assert b.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize('config', BACKBONES, ids=lambda config: config['type'].split('.')[1])
def test_every_parameter_takes_part(config):
    model = MODELS.build(dict(config, in_channels=1))
    (feature,) = model(torch.randn(4, 1, 32, 32))
    feature.square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('module', [m.name for m in pkgutil.iter_modules(backbones.__path__)])
def test_examples_in_docstrings(module):
    result = doctest.testmod(importlib.import_module(f'mmlogitkd.backbones.{module}'))
    assert result.failed == 0
    assert result.attempted or module == 'base'
