"""The models of CIFAR-100's distillation literature, as configs/_base_/models/cifar builds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.losses import SDDLoss
from mmlogitkd.teacher import Teacher
from tests.tiny import build

from .shipped import CONFIGS, ids

FOLDER = CONFIGS / '_base_' / 'models' / 'cifar'
MODELS = sorted(path for path in FOLDER.glob('*.py') if path.stem != 'classifier')
# He's normal, or mmpretrain's for a linear layer; None for PyTorch's own
LINEAR = dict(vgg=(0.01, 0.0), mobilenet=(0.01, 0.0), wrn=(None, 0.0), resnet=(None, None))
LARGE = ('vgg11', 'vgg16', 'vgg19', 'resnet50', 'resnet110', 'resnet44', 'resnet56', 'resnet32x4')
EVERY = [
    pytest.param(path, marks=pytest.mark.full if path.stem in LARGE else (), id=path.stem)
    for path in MODELS
]


def model_of(name: str) -> dict[str, Any]:
    return Config.fromfile(FOLDER / f'{name}.py').model


def test_the_networks_of_the_literature_are_there() -> None:
    resnets = [f'resnet{depth}' for depth in (8, 14, 18, 20, 32, 44, 50, 56, 110, '8x4', '32x4')]
    vggs = [f'vgg{depth}' for depth in (8, 11, 13, 16, 19)]
    wide = [f'wrn-{depth}-{widen}' for depth in (16, 40) for widen in (1, 2)]
    mobile = ['mobilenet-v2-half', 'shufflenet-v1', 'shufflenet-v2']
    assert ids(MODELS) == sorted(resnets + vggs + wide + mobile)


@pytest.mark.parametrize('path', EVERY)
def test_it_classifies_and_starts_as_in_the_literature(path: Path) -> None:
    torch.manual_seed(0)
    model = build(Config.fromfile(path).model)
    model.init_weights()
    assert model.eval()(torch.zeros(1, 3, 32, 32), mode='tensor').shape == (1, 100)
    linear = model.head.fc
    bound = linear.in_features**-0.5
    family = next((name for name in LINEAR if path.stem.startswith(name)), 'resnet')
    std, bias = LINEAR[family]
    if std is None:
        assert linear.weight.abs().max() <= bound
    expected = bound / 3**0.5 if std is None else std
    assert linear.weight.std().item() == pytest.approx(expected, rel=0.05)
    assert 0 < linear.bias.abs().max() <= bound if bias is None else not linear.bias.any()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(bool((norm.weight == 1).all()) for norm in norms)  # no branch starts at zero


def test_pixels_are_normalised_with_the_literatures_statistics() -> None:
    preprocessor = build(model_of('resnet8')).data_preprocessor
    grey = torch.full((1, 3, 2, 2), 255 * 0.4867)
    normalised = preprocessor(dict(inputs=grey))['inputs'][0, :, 0, 0]
    expected = [(0.4867 - 0.5071) / 0.2675, 0.0, (0.4867 - 0.4408) / 0.2761]
    torch.testing.assert_close(normalised, torch.tensor(expected), rtol=1e-4, atol=1e-5)


def test_sdd_takes_its_published_scales_with_mobilenet_v2() -> None:
    """The student's map is 2x2, so every position stands in four cells of the 4x4 grid."""
    from mmpretrain.structures import DataSample

    torch.manual_seed(0)
    student = build(model_of('mobilenet-v2-half'))
    student.init_weights()
    teacher = Teacher(dict(default_scope='mmpretrain', model=model_of('vgg8')), init='random')
    sdd = SDDLoss(base=dict(type='mmlogitkd.KDLoss'), scales=(1, 2, 4))
    distiller = LogitDistiller(teacher, dict(loss_sdd=sdd))
    distiller.attach(student)
    inputs, samples = torch.randn(2, 3, 32, 32), [DataSample().set_gt_label(y) for y in (3, 7)]
    loss = student(inputs, samples, mode='loss')['loss_sdd']
    loss.backward()
    assert loss > 0 and student.backbone.conv2[0].weight.grad.any()
