"""On CUDA neither teacher nor adapter nor losses make the host wait for the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

from mmlogitkd.benchmarks.step_pairs import LOSSES
from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.logits import DenseHeadLogits
from mmlogitkd.losses import BinaryKDLoss, KDLoss, LDRLDLoss, LogitLoss, SDDLoss
from mmlogitkd.registry import MODELS
from mmlogitkd.teacher import Teacher
from tests import tiny

from . import detectors

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')


@contextmanager
def no_waiting() -> Iterator[None]:
    """Raise where an operation waits for the device."""
    torch.cuda.set_sync_debug_mode('error')
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode('default')


@pytest.mark.parametrize('name', LOSSES)
def test_losses(name: str) -> None:
    loss: LogitLoss = MODELS.build(dict(LOSSES[name]))
    shape = (16, 10, 5) if loss.scales else (16, 10)
    student = torch.randn(shape, device='cuda', requires_grad=True)
    teacher = torch.randn(shape, device='cuda')
    target = torch.arange(16, device='cuda') % 10
    weight = torch.ones(16, device='cuda') if loss.per_row else None
    divisor = torch.tensor(4.0, device='cuda')
    for _ in range(2):  # the first call may set something up
        with no_waiting():
            loss(student, teacher, target, weight, divisor).backward()


def distilled(student: nn.Module, *args: Any) -> tuple[Callable[..., Any], list]:
    """Attach; the second step and later ones must not wait while the terms are made."""
    distiller = LogitDistiller(*args)
    distiller.attach(student)
    plain, steps = distiller._with_terms, []

    def strict(*arguments: Any) -> Any:
        steps.append(len(steps))
        if steps[-1] == 0:  # caches and proofs of the first step
            return plain(*arguments)
        with no_waiting():
            return plain(*arguments)

    distiller._with_terms = strict  # type: ignore[method-assign]
    return student, steps


def test_classifier_with_converted_inputs_and_regions() -> None:
    from mmpretrain.structures import DataSample

    inputs = torch.rand(4, 3, 64, 64, device='cuda')
    samples = [DataSample().set_gt_label(i).to('cuda') for i in range(4)]
    other = tiny.classifier_config(6, data_preprocessor=dict(mean=[0.0] * 3, to_rgb=True))
    losses = dict(loss_ldrld=LDRLDLoss(depth=3), loss_sdd=SDDLoss(base=KDLoss(), scales=(1, 2)))
    student, steps = distilled(
        tiny.build(tiny.classifier_config(4)).cuda().train(),
        Teacher(tiny.full_config(other), init='random'),
        losses,
    )
    for _ in range(3):
        terms = student(inputs, samples, mode='loss')
        sum(terms.values()).backward()
    assert steps == [0, 1, 2]


def test_dense_head_over_all_rows() -> None:
    config = detectors.detector_config('retinanet')
    inputs, samples = detectors.batch()
    student, steps = distilled(
        detectors.build_detector(config).cuda(),
        Teacher(detectors.full_config(config), init='random'),
        dict(loss_kd=BinaryKDLoss()),
        DenseHeadLogits(rows='all'),
    )
    for _ in range(3):
        student(inputs.cuda(), [sample.to('cuda') for sample in samples], mode='loss')
    assert steps == [0, 1, 2]
