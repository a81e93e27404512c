"""The default fast path on real detectors, asked in the way that distillation asks them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip('mmdet')

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.logits import RoIHeadLogits
from mmlogitkd.logits.dense_head import _class_maps
from mmlogitkd.losses import KDLoss, SDDLoss
from mmlogitkd.teacher import Teacher
from mmlogitkd.teacher.nested import difference
from mmlogitkd.teacher.trial import TOLERANCE
from tests import tiny_two_stage
from tests.test_logits import detectors


def disturbed(model: nn.Module) -> nn.Module:
    """Batch norms that are no identities, the same every time."""
    generator = torch.Generator().manual_seed(3)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                tensor.data.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return model


DENSE = [
    name if name in ('retinanet', 'vfnet', 'rtmdet') else pytest.param(name, marks=pytest.mark.full)
    for name in detectors.CONFIGS
]


@pytest.mark.parametrize('name', DENSE)
def test_dense_heads_answer_alike(name: str) -> None:
    config = detectors.detector_config(name)
    weights = disturbed(detectors.build_detector(config)).state_dict()
    full = detectors.full_config(config)
    answers = {}
    for fast in (False, True):
        teacher = Teacher(full, init='random', preprocess='same', fast=fast)
        teacher.build(nn.Linear(1, 1)).model.load_state_dict(weights)
        for _ in range(2):
            answers[fast] = teacher.score(_class_maps, detectors.batch()[0])
    assert ' conv+BN fused (max difference ' in teacher.fast_report
    # mmcv's deformable convolutions take contiguous maps only
    assert ('not channels-last' in teacher.fast_report) == (name == 'vfnet')
    assert difference(answers[False], answers[True]) <= TOLERANCE


def step(kind: str, fast: Any, views: str) -> tuple[dict[str, float], Tensor, str]:
    """Terms of one training step, the gradient of the student's first layer, and the report."""
    config = tiny_two_stage.detector_config(kind)
    student = tiny_two_stage.build(config)
    terms = dict(loss_kd=KDLoss(), loss_sdd=SDDLoss(KDLoss(), scales=(1, 2), beta=1))
    teacher = Teacher(config, init='random', fast=fast)
    distiller = LogitDistiller(teacher, terms, RoIHeadLogits(views=views), task_weight=0.0)
    distiller.attach(student)
    disturbed(teacher.model)
    torch.manual_seed(5)
    losses = student(*tiny_two_stage.batch(), mode='loss')
    found = {name: value for name, value in losses.items() if '_kd' in name or '_sdd' in name}
    sum(found.values()).backward()
    distiller.detach()
    gradient = next(student.backbone.parameters()).grad
    values = {name: float(value.detach()) for name, value in found.items()}
    return values, gradient, teacher.fast_report


@pytest.mark.parametrize(
    ('kind', 'views', 'fast', 'tolerance'),
    [
        ('faster', 'cells', True, 1e-3),
        ('faster', 'phases', True, 1e-3),
        ('faster', 'cells', dict(precision='bfloat16'), 0.1),
        pytest.param('cascade', 'cells', True, 1e-3, marks=pytest.mark.full),
        pytest.param('c4', 'phases', True, 1e-3, marks=pytest.mark.full),
    ],
)
def test_boxes_and_their_regions_train_alike(
    kind: str, views: str, fast: Any, tolerance: float
) -> None:
    """Regions are scored from maps that the inference mode left, channels-last or not."""
    plain, expected, _ = step(kind, False, views)
    found, gradient, report = step(kind, fast, views)
    assert 'box branch skipped' in report and 'conv+BN fused' in report
    assert ', channels-last, ' in report
    assert found == pytest.approx(plain, rel=tolerance)
    assert (gradient - expected).norm() <= tolerance * expected.norm()
