"""Nothing of a training step outlives it: no tensor, and no cycle that waits for the collector."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensor

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.losses import BinaryKDLoss, KDLoss, LDRLDLoss, SDDLoss
from mmlogitkd.teacher import Teacher
from tests import tiny, tiny_two_stage

from . import detectors

STEPS = 50


def classifier() -> tuple[nn.Module, dict, dict, Tensor, list]:
    """Student, teacher's config, losses and a batch."""
    from mmpretrain.structures import DataSample

    samples = [DataSample().set_gt_label(i) for i in range(4)]
    losses = dict(loss_ldrld=LDRLDLoss(depth=3), loss_sdd=SDDLoss(base=KDLoss(), scales=(1, 2)))
    teacher = tiny.full_config(tiny.classifier_config(6))
    return tiny.build(tiny.classifier_config(4)), teacher, losses, torch.rand(4, 3, 64, 64), samples


def faster_rcnn() -> tuple[nn.Module, dict, dict, Tensor, list]:
    """The same."""
    losses = dict(loss_ldrld=LDRLDLoss(depth=3), loss_sdd=SDDLoss(base=KDLoss(), scales=(1, 2)))
    student = tiny_two_stage.build(tiny_two_stage.detector_config(boxes=8))
    teacher = tiny_two_stage.detector_config(width=12, boxes=8)
    return student, teacher, losses, *tiny_two_stage.batch((2,))


def retinanet() -> tuple[nn.Module, dict, dict, Tensor, list]:
    """The same."""
    config = detectors.detector_config('retinanet')
    student = detectors.build_detector(config)
    losses = dict(loss_kd=BinaryKDLoss())
    return student, detectors.full_config(config), losses, *detectors.batch()


def living() -> tuple[int, int]:
    """How many tensors there are in Python, and the bytes that they hold."""
    kinds = ((thing, type(thing)) for thing in gc.get_objects())
    # without what torch.compile keeps of other tests: it holds no memory
    tensors = [t for t, kind in kinds if issubclass(kind, Tensor) and kind is not FakeTensor]
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return len(tensors), sum(storages.values())


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Let cycles stay, so that one with a tensor in it is seen."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def watch(module: nn.Module, seen: list) -> Any:
    """Remember, weakly, every tensor that the module returns."""

    def note(value: Any) -> None:
        if isinstance(value, Tensor):
            seen.append(weakref.ref(value))
        elif isinstance(value, (list, tuple)):
            for part in value:
                note(part)

    return module.register_forward_hook(lambda module, args, output: note(output))


@pytest.mark.parametrize('kind', [classifier, faster_rcnn, retinanet], ids=lambda k: k.__name__)
def test_50_steps_leave_nothing(kind: Callable[[], tuple], no_collector: None) -> None:
    torch.manual_seed(0)
    student, teacher, losses, inputs, samples = kind()
    student.train()
    distiller = LogitDistiller(Teacher(teacher, init='random'), losses)
    distiller.attach(student)
    optimizer = torch.optim.SGD(student.parameters(), lr=1e-3, momentum=0.9)
    seen: list = []
    for model in (student, distiller.teacher.model):
        for name in ('backbone', 'neck', 'head', 'bbox_head', 'rpn_head', 'roi_head.bbox_head'):
            try:
                watch(model.get_submodule(name), seen)
            except AttributeError:
                continue
    counts = {}
    for step in range(1, STEPS + 1):
        terms = student(inputs, samples, mode='loss')
        total = sum(
            sum(value) if isinstance(value, list) else value
            for name, value in terms.items()
            if 'loss' in name
        )
        total.backward()
        optimizer.step()
        optimizer.zero_grad()
        del terms, total
        assert seen
        assert not [ref for ref in seen if ref() is not None]
        seen.clear()
        if step in (2, STEPS):
            counts[step] = living()
    assert counts[STEPS] == counts[2]
