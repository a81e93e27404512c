"""SDD's views of a box, against pooling and scoring them one by one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip('mmdet')

from mmengine.registry import MODELS, DefaultScope

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.logits import LogitBatch, RoIHeadLogits
from mmlogitkd.losses import KDLoss, SDDLoss
from mmlogitkd.teacher import Teacher
from tests.tiny_two_stage import NUM_CLASSES, batch, build, detector_config


def step(
    student: Any, teacher_config: Any, views: str, **arguments: Any
) -> tuple[list[LogitBatch], list[Tensor], Tensor, Teacher]:
    """One step's batches, the boxes of each stage, the images and the teacher."""
    source = RoIHeadLogits(views=views, **arguments)
    source.attach(student, with_regions=True)
    teacher = Teacher(teacher_config, init='random', fast=False).build(student)
    boxes: list[Tensor] = []
    extractors = student.roi_head.bbox_roi_extractor
    for extractor in extractors if isinstance(extractors, nn.ModuleList) else [extractors]:
        extractor.register_forward_hook(lambda _, args, __: boxes.append(args[1]))
    images = batch()
    source.arm()
    student(*images, mode='loss')
    batches = source.collect(teacher, *images)
    return batches, list(boxes), images[0], teacher


def scored(model: Any, inputs: Tensor, rois: Tensor, stage: int | None) -> Tensor:
    with torch.no_grad():
        index = () if stage is None else (stage,)
        return model.roi_head._bbox_forward(*index, model.extract_feat(inputs), rois)['cls_score']


def sub_box(roi: list[float], grid: int, row: int, column: int) -> list[float]:
    image, left, top, right, bottom = roi
    width, height = (right - left) / grid, (bottom - top) / grid
    return [
        image,
        left + column * width,
        top + row * height,
        left + (column + 1) * width,
        top + (row + 1) * height,
    ]


@pytest.mark.parametrize('kind', ['faster', 'cascade'])
def test_cells_are_scored_like_boxes_of_their_own(kind: str) -> None:
    student = build(detector_config(kind, boxes=6))
    batches, boxes, inputs, teacher = step(student, detector_config(kind, width=12), 'cells')
    for stage, (found, rois) in enumerate(zip(batches, boxes, strict=True)):
        ours, theirs = found.logits((1, 2, 3))
        assert ours.shape == theirs.shape == (len(rois), NUM_CLASSES + 1, 1 + 4 + 9)
        cells = [(grid, i, j) for grid in (1, 2, 3) for i in range(grid) for j in range(grid)]
        for model, regions in ((student, ours), (teacher.model, theirs)):
            for region, cell in enumerate(cells):
                parts = torch.tensor([sub_box(roi, *cell) for roi in rois.tolist()])
                expected = scored(model, inputs, parts, stage if kind == 'cascade' else None)
                torch.testing.assert_close(regions[:, :, region], expected, rtol=1e-3, atol=1e-3)
        assert torch.equal(ours[:, :, 0], found.student)
        assert torch.equal(theirs[:, :, 0], found.teacher)
        assert ours.requires_grad and not theirs.requires_grad


def test_phases_are_the_authors_five_views() -> None:
    """Through an extractor that is built with twice the output size."""
    student = build(detector_config(boxes=6))
    config = detector_config(width=12)
    batches, (rois,), inputs, teacher = step(student, config, 'phases')
    ours, theirs = batches[0].logits((1, 2, 4))
    assert ours.shape == theirs.shape == (len(rois), NUM_CLASSES + 1, 5)
    for model, regions, source in (
        (student, ours, detector_config()),
        (teacher.model, theirs, config),
    ):
        extractor_config = copy.deepcopy(source.model.roi_head.bbox_roi_extractor)
        extractor_config.roi_layer.output_size = 14
        with DefaultScope.overwrite_default_scope('mmdet'), torch.no_grad():
            extractor = MODELS.build(extractor_config)
            pooled = extractor(model.extract_feat(inputs)[:4], rois)
            assert pooled.shape[-2:] == (14, 14)
            views = [nn.functional.adaptive_avg_pool2d(pooled, 7)]
            views += [pooled[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
            expected = torch.stack([model.roi_head.bbox_head(view)[0] for view in views], dim=2)
        torch.testing.assert_close(regions, expected, rtol=1e-4, atol=1e-4)
        assert all(
            layer.output_size == (7, 7) for layer in model.roi_head.bbox_roi_extractor.roi_layers
        )


@pytest.mark.parametrize('views', ['cells', 'phases'])
@pytest.mark.parametrize('background', [True, False])
def test_a_copy_of_the_student_has_its_views(views: str, background: bool) -> None:
    """Also where the mean over a cascade's equal stages answers, and the background is cut."""
    student = build(detector_config('cascade', boxes=8))
    for stage in (1, 2):
        student.roi_head.bbox_head[stage].load_state_dict(
            student.roi_head.bbox_head[0].state_dict()
        )
    source = RoIHeadLogits(views=views, teacher_stage='mean', background=background)
    source.attach(student, with_regions=True)
    teacher = Teacher(detector_config('cascade'), init='random', fast=False).build(student)
    teacher.model.load_state_dict(student.state_dict())
    images = batch()
    source.arm()
    student(*images, mode='loss')
    for found in source.collect(teacher, *images):
        ours, theirs = found.logits((1, 2))
        assert ours.shape[1] == NUM_CLASSES + background
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
        assert ours.detach().std(2).max() > 0.01


def test_views_feed_no_statistics_and_draw_no_dropout() -> None:
    config = detector_config(boxes=8)
    head = config.model.roi_head.bbox_head
    head.update(type='Shared4Conv1FCBBoxHead', conv_out_channels=8, norm_cfg=dict(type='BN'))
    plain, student = build(config), build(config)
    sdd = SDDLoss(base=dict(type='mmlogitkd.KDLoss'), scales=(1, 2))
    distiller = LogitDistiller(Teacher(config, init='random'), dict(loss_sdd=sdd))
    distiller.attach(student)
    for model in (plain, student):
        torch.manual_seed(3)
        terms = model(*batch(), mode='loss')
    assert terms['loss_sdd'] > 0
    assert all(module.training for module in student.roi_head.bbox_head.modules())
    counts = 0
    for (name, expected), (_, found) in zip(
        plain.named_buffers(), student.named_buffers(), strict=True
    ):
        assert torch.equal(expected, found), name
        counts += 'bbox_head' in name and 'num_batches_tracked' in name and int(found) == 1
    assert counts == 4


def test_sdd_over_whole_boxes_alone_is_its_base() -> None:
    student = build(detector_config(boxes=8))
    losses = dict(loss_kd=KDLoss(), loss_sdd=SDDLoss(base=KDLoss(), scales=(1,)))
    LogitDistiller(Teacher(detector_config(), init='random'), losses).attach(student)
    terms = student(*batch(), mode='loss')
    torch.testing.assert_close(terms['loss_sdd'], terms['loss_kd'])


def test_sdd_over_phases_with_beta_1_is_the_mean_over_views() -> None:
    student = build(detector_config(boxes=6))
    batches, *_ = step(student, detector_config(), 'phases')
    ours, theirs = batches[0].logits((1, 2, 4))
    sdd = SDDLoss(base=dict(type='mmlogitkd.KDLoss'), beta=1.0)
    views = [KDLoss()(ours[:, :, r], theirs[:, :, r]) for r in range(5)]
    torch.testing.assert_close(sdd(ours, theirs, batches[0].target), torch.stack(views).mean())
