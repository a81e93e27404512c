"""Which parts of a teacher run: what class scores need, and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip('mmdet')

from mmlogitkd.logits import QueryHeadLogits, RoIHeadLogits
from mmlogitkd.logits.dense_head import _class_maps
from mmlogitkd.teacher import Teacher
from mmlogitkd.teacher.nested import tensors_of
from tests import tiny_two_stage
from tests.test_logits import detectors, query_detectors

# the parts of the head that run for the class scores; Scale is one multiplication
DENSE = dict(
    retinanet={'cls_convs', 'retina_cls'},
    fcos={'cls_convs', 'conv_cls', 'scales'},
    atss={'cls_convs', 'atss_cls', 'scales'},
    paa={'cls_convs', 'atss_cls', 'scales'},
    gfl={'cls_convs', 'gfl_cls', 'scales'},
    rtmdet={'cls_convs', 'rtm_cls'},
    yolox={'multi_level_cls_convs', 'multi_level_conv_cls'},
    vfnet={
        *('cls_convs', 'vfnet_cls_dconv', 'vfnet_cls', 'scales', 'scales_refine'),
        *('reg_convs', 'vfnet_reg_conv', 'vfnet_reg'),  # sample the class features
    },
    tood={
        *('inter_convs', 'cls_decomp', 'tood_cls', 'cls_prob_module', 'scales'),
        *('reg_decomp', 'tood_reg', 'reg_offset_module'),
    },
)


class Runs:
    """Counts the runs of a model's layers, by the name of the part of its owner."""

    def __init__(self, owner: nn.Module) -> None:
        self.counts: Counter[str] = Counter()
        for name, module in owner.named_modules():
            if next(module.parameters(recurse=False), None) is not None:
                module.register_forward_hook(self._counting(name.split('.')[0]))

    def _counting(self, part: str) -> Any:
        return lambda *_: self.counts.update([part])


def answers(config: dict, inputs: Tensor, seed: int = 0) -> tuple[Teacher, Any, Any]:
    """A teacher without anything but `skip_unused`, the plain answer and its own."""
    model = detectors.build_detector(config, seed)
    teacher = Teacher(
        detectors.full_config(config), init='random', preprocess='same', fast=_only('skip_unused')
    ).build(model)
    teacher.model.load_state_dict(model.state_dict())
    with torch.no_grad():
        plain = _class_maps(teacher.model, inputs)
    return teacher, plain, teacher.score(_class_maps, inputs)


def _only(name: str) -> dict[str, bool]:
    switches = ('fuse', 'channels_last', 'inference_mode', 'skip_unused')
    return {switch: switch == name for switch in switches}


@pytest.mark.parametrize('name', DENSE)
def test_dense_heads_run_their_class_branch(name: str) -> None:
    inputs = detectors.batch()[0]
    teacher, plain, answer = answers(detectors.detector_config(name), inputs)
    assert all(map(torch.equal, answer, plain))
    runs = Runs(teacher.model.bbox_head)
    assert all(map(torch.equal, teacher.score(_class_maps, inputs), plain))
    assert set(runs.counts) == DENSE[name]
    assert ('box branch skipped' in teacher.fast_report) == (name != 'tood')


def test_boxes_that_the_scores_depend_on_are_kept() -> None:
    """RTMDet with objectness, which its box branch gives."""
    config = detectors.detector_config('rtmdet', with_objectness=True)
    inputs = detectors.batch()[0]
    teacher, plain, answer = answers(config, inputs)
    assert 'box branch kept' in teacher.fast_report
    assert all(map(torch.equal, answer, plain))
    runs = Runs(teacher.model.bbox_head)
    teacher.score(_class_maps, inputs)
    assert runs.counts['reg_convs'] and runs.counts['rtm_reg']


@pytest.mark.parametrize('kind', ['faster', 'mask', 'cascade', 'cascade_mask', 'c4'])
def test_two_stage_detectors_run_no_rpn_no_masks_and_no_boxes(kind: str) -> None:
    config = tiny_two_stage.detector_config(kind)
    student = tiny_two_stage.build(config)
    source = RoIHeadLogits()
    source.attach(student)
    teacher = Teacher(config, init='random', fast=_only('skip_unused')).build(student)
    images = tiny_two_stage.batch()
    for first in (True, False):
        source.arm()
        student(*images, mode='loss')
        batches = source.collect(teacher, *images)
        if first:
            runs = Runs(teacher.model), Runs(teacher.model.roi_head)
    source.detach()
    stages = len(batches)
    assert stages == (3 if 'cascade' in kind else 1)
    assert set(runs[0].counts) == {'backbone', 'roi_head'} | ({'neck'} if kind != 'c4' else set())
    assert set(runs[1].counts) <= {'bbox_head', 'shared_head'}
    assert f'box branch skipped ({stages} layers)' in teacher.fast_report
    fully = 1 if kind == 'c4' else 3  # fc_cls, and two layers before it
    assert runs[1].counts['bbox_head'] == stages * fully


@pytest.mark.parametrize(
    'name', ['detr', *(pytest.param(n, marks=pytest.mark.full) for n in ('deformable', 'dino'))]
)
def test_query_detectors_run_one_pass_of_all_they_have(name: str) -> None:
    """The boxes are needed: queries are matched by them, and layers refine them."""
    config = query_detectors.query_config(name)
    student = query_detectors.build_query_detector(config)
    full = detectors.full_config(config)
    answer: dict[bool, list[Tensor]] = {}
    for fast in (False, True):
        source = QueryHeadLogits()
        source.attach(student)
        teacher = Teacher(full, init='random', fast=fast).build(student)
        teacher.model.load_state_dict(student.state_dict())
        source.arm()
        student(*detectors.batch(), mode='loss')
        answer[fast] = list(tensors_of(source.collect(teacher, *detectors.batch())[0].teacher))
        source.detach()
    assert 'box branch' not in teacher.fast_report
    for ours, plain in zip(answer[True], answer[False], strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5 * plain.abs().max().item())
