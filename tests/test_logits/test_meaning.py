"""What the rows, labels and divisors mean, for two-stage and one-stage detectors alike."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.logging import MessageHub
from torch import Tensor, nn

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.logits import DenseHeadLogits, RoIHeadLogits
from mmlogitkd.losses import BinaryKDLoss, DKDLoss, KDLoss
from mmlogitkd.teacher import Teacher
from tests import tiny_two_stage as two_stage
from tests.test_logits import detectors as dense
from tests.test_logits.test_dense_head import overlap, teacher_of
from tests.test_logits.test_dense_head import step as dense_step
from tests.test_logits.test_roi_head import TaskLosses, collected, config_of, direct
from tests.test_losses import cases


@pytest.fixture(autouse=True)
def epoch() -> Iterator[MessageHub]:
    """TOOD asks the message hub for the epoch and changes its loss with it."""
    hub = MessageHub.get_current_instance()
    hub.update_info('epoch', 0)
    yield hub


def tiers(quick: tuple[str, ...], *rest: str) -> list:
    """Kinds of the default tier, and those of the full one."""
    return [*quick, *(pytest.param(kind, marks=pytest.mark.full) for kind in rest)]


def softmax_divergences(with_regions: bool) -> dict:
    """Every loss that is 0 between equal softmax logits."""
    names = [name for name in cases.DIVERGENCES if cases.innermost(name) != 'BinaryKDLoss']
    names = [name for name in names if with_regions or not name.startswith('SDD')]
    return {f'loss_{name}': cases.build(name) for name in names}


def check_divergences(student: nn.Module, distiller: LogitDistiller, images: Any) -> None:
    """All 0 with the student's own weights, all above 0 with others."""
    teacher = distiller.teacher.model

    def terms() -> dict[str, Tensor]:
        found = student(*images, mode='loss')
        return {key: found[key] for key in found if key.split('.')[-1] in distiller.losses}

    teacher.load_state_dict(student.state_dict())
    for key, value in terms().items():
        assert abs(float(value)) < 1e-5, key
    with torch.no_grad():
        for name, parameter in teacher.named_parameters():
            if 'cls' in name and parameter.dim() > 1:
                parameter.add_(3 * torch.randn(parameter.shape))
    for key, value in terms().items():
        assert float(value) > 1e-4, key


@pytest.mark.parametrize(
    'kind',
    tiers(
        ('faster', 'cascade'),
        *('mask', 'cascade_mask', 'dynamic', 'c4', 'mask_scoring', 'point_rend', 'sabl'),
    ),
)
def test_every_divergence_of_a_two_stage_detector_from_itself_is_0(kind: str) -> None:
    student = two_stage.build(config_of(kind))
    losses = softmax_divergences(with_regions=kind != 'c4')  # its head would take a minute
    distiller = LogitDistiller(Teacher(config_of(kind), init='random', fast=False), losses)
    distiller.attach(student)
    torch.manual_seed(0)
    check_divergences(student, distiller, two_stage.batch())


@pytest.mark.parametrize(
    'name', tiers(('gfl', 'yolox'), *(name for name in dense.CONFIGS if name not in 'gfl yolox'))
)
def test_every_divergence_of_a_dense_detector_from_itself_is_0(name: str) -> None:
    config = dense.detector_config(name)
    for losses, source in (
        (softmax_divergences(False), DenseHeadLogits(activation='softmax', rows='foreground')),
        (dict(loss_binary=BinaryKDLoss(), loss_bce=BinaryKDLoss(beta=2.0)), None),
    ):
        student = dense.build_detector(config)
        teacher = Teacher(dense.full_config(config), init='random', fast=False)
        distiller = LogitDistiller(teacher, losses, source)
        distiller.attach(student)
        torch.manual_seed(0)
        check_divergences(student, distiller, dense.batch())


def log_softmax(logits: list[float]) -> list[float]:
    total = math.log(sum(math.exp(value) for value in logits))
    return [value - total for value in logits]


def kl(teacher: list[float], student: list[float]) -> float:
    """Of two lists of logarithms."""
    return sum(math.exp(t) * (t - s) for t, s in zip(teacher, student, strict=True))


def test_two_images_of_a_two_stage_detector_by_hand() -> None:
    """Box by box: labels from overlaps, both models alone with one image and one box, DKD."""
    student = two_stage.build(two_stage.detector_config(boxes=10))
    task = TaskLosses(student)
    kd = DKDLoss(alpha=1.0, beta=0.5, temperature=2.0)
    distiller = LogitDistiller(
        Teacher(two_stage.detector_config(width=12), init='random', fast=False), dict(loss_dkd=kd)
    )
    distiller.attach(student)
    inputs, samples = two_stage.batch((2, 3), ((64, 64), (48, 60)), seed=3)
    term = student(inputs, samples, mode='loss')['loss_dkd']
    rois = task.calls[0][2]
    total, labels = 0.0, []
    for image, *corners in rois.tolist():
        data = samples[int(image)].gt_instances
        overlaps = [overlap(corners, box) for box in data.bboxes.tolist()]
        best = max(range(len(overlaps)), key=overlaps.__getitem__)
        label = int(data.labels[best]) if overlaps[best] >= 0.5 else two_stage.NUM_CLASSES
        labels.append(label)
        alone = inputs[int(image) : int(image) + 1]
        box = torch.tensor([[0, *corners]])
        models = (student, distiller.teacher.model)
        ours, theirs = ((direct(model, alone, box)[0] / 2).tolist() for model in models)
        pairs = []
        for logits in (theirs, ours):
            others = [value for index, value in enumerate(logits) if index != label]
            hit = math.exp(log_softmax(logits)[label])
            pairs.append(([math.log(hit), math.log(1 - hit)], log_softmax(others)))
        (binary_t, others_t), (binary_s, others_s) = pairs
        total += 4 * (kl(binary_t, binary_s) + 0.5 * kl(others_t, others_s))
    assert len(rois) == 20 and 2 < sum(label < two_stage.NUM_CLASSES for label in labels) < 20
    assert labels == task.calls[0][3].tolist()
    assert term.item() == pytest.approx(total / 20, rel=1e-3)


def covered(boxes: Tensor, region: list[float]) -> Tensor:
    """Whether more than half of each box lies in the region."""
    return torch.tensor([overlap(box, region, of_first=True) > 0.5 for box in boxes.tolist()])


def test_boxes_in_ignored_regions_are_no_rows_of_a_two_stage_detector() -> None:
    """The right half of the second image is ignored; nothing else changes."""
    region = [32.0, 0.0, 64.0, 64.0]
    rois = {}
    for threshold in (-1, 0.5):
        config = two_stage.detector_config(boxes=1000)
        config.model.train_cfg.rcnn.assigner.ignore_iof_thr = threshold
        config.model.train_cfg.rcnn.sampler.add_gt_as_proposals = False
        student = two_stage.build(config)
        task = TaskLosses(student)
        inputs, samples = two_stage.batch()
        samples[1].ignored_instances.bboxes = torch.tensor([region])
        samples[1].ignored_instances.labels = torch.tensor([0])
        (found,), _, model = collected(student, config, (inputs, samples))
        rois[threshold] = task.calls[0][2]
        assert torch.equal(found.teacher, direct(model, inputs, rois[threshold]))
        assert len(found.student) == len(found.weight) == found.avg_factor == len(rois[threshold])
    ignored = (rois[-1][:, 0] == 1) & covered(rois[-1][:, 1:], region)
    assert 0 < ignored.sum() < len(ignored) / 2
    assert sorted(rois[0.5].tolist()) == sorted(rois[-1][~ignored].tolist())


@pytest.mark.parametrize('name', tiers(('retinanet', 'gfl'), 'atss', 'paa', 'tood'))
def test_rows_in_ignored_regions_of_a_dense_detector_weigh_nothing(name: str) -> None:
    """Places are compared with the region in Python; all other weights stay."""
    inputs, samples = dense.batch()
    region = [0.0, 0.0, 112.0, 60.0]
    samples[1].ignored_instances.bboxes = torch.tensor([region])
    weights = {}
    for threshold in (-1, 0.5):
        config = dense.detector_config(name)
        cfg = config['train_cfg']
        cfg['initial_assigner' if name == 'tood' else 'assigner']['ignore_iof_thr'] = threshold
        student = dense.build_detector(config)
        teacher = teacher_of(config, student)
        _, found = dense_step(student, teacher, DenseHeadLogits(), inputs, samples)
        weights[threshold] = found.weight.view(2, -1)
    head = student.bbox_head
    sizes = [(16, 16), (8, 8), (4, 4), (2, 2), (1, 1)]
    places = torch.cat(head.prior_generator.grid_priors(sizes, device='cpu'))
    ignored = torch.zeros_like(weights[-1], dtype=torch.bool)
    ignored[1] = covered(places, region)
    assert weights[-1][ignored].any() and not weights[0.5][ignored].any()
    assert torch.equal(weights[0.5][~ignored], weights[-1][~ignored])


@pytest.mark.parametrize(
    'name', tiers(('atss', 'fcos'), *sorted(dense.CONFIGS.keys() - {'atss', 'fcos'}))
)
@pytest.mark.parametrize('empty', [(0, 1), (0,)], ids=['all', 'one of two'])
def test_a_dense_detector_learns_from_images_without_objects(
    name: str, empty: tuple[int, ...]
) -> None:
    """All rows are background then, and count; YOLOX, which trains no such row, gives 0."""
    config = dense.detector_config(name)
    student = dense.build_detector(config)
    losses = dict(loss_kd=BinaryKDLoss())
    distiller = LogitDistiller(Teacher(dense.full_config(config), init='random'), losses)
    distiller.attach(student)
    inputs, samples = dense.batch()
    for image in empty:
        samples[image] = dense.sample([], [], samples[image].img_shape)
    term = student(inputs, samples, mode='loss')['loss_kd']
    term.backward()
    gradients = [p.grad for p in student.bbox_head.parameters() if p.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    counts = name != 'yolox' or len(empty) == 1
    assert (term.item() > 0) is counts
    assert any(gradient.any() for gradient in gradients) is counts


def test_classes_of_a_dense_teacher_are_matched_by_name(tmp_path: Path) -> None:
    config = dense.detector_config('fcos')
    student = dense.build_detector(config)
    config['bbox_head']['num_classes'] = 4
    path = tmp_path / 'teacher.pth'
    meta = dict(dataset_meta=dict(classes=('star', 'moon', 'circle', 'square')))
    weights = dense.build_detector(config, seed=1).state_dict()
    torch.save(dict(meta=meta, state_dict=weights), path)
    teacher = Teacher(dense.full_config(config), path).build(student, ('circle', 'square', 'star'))
    inputs, samples = dense.batch()
    _, found = dense_step(student, teacher, DenseHeadLogits(), inputs, samples)
    with torch.no_grad():
        maps = teacher.model(inputs)[0]
    rows = torch.cat([level.permute(0, 2, 3, 1).flatten(1, 2) for level in maps], dim=1)
    assert torch.equal(found.teacher, rows.flatten(0, 1)[:, [2, 3, 0]])
    with pytest.raises(ValueError, match='oval'):
        Teacher(dense.full_config(config), path).build(student, ('circle', 'square', 'oval'))


def test_strides_of_a_two_stage_teacher_may_differ() -> None:
    """One map of stride 16 instead of four of 4 to 32: boxes are asked for in pixels."""
    student = two_stage.build(two_stage.detector_config())
    config = two_stage.detector_config('c4')
    config.model.data_preprocessor = two_stage.detector_config().model.data_preprocessor
    task = TaskLosses(student)
    inputs, samples = two_stage.batch()
    (found,), _, model = collected(student, config, (inputs, samples))
    assert torch.equal(found.teacher, direct(model, inputs, task.calls[0][2]))


def test_teachers_of_the_other_kind_are_refused() -> None:
    """A real RetinaNet for a Faster R-CNN, and the reverse."""
    one, two = dense.full_config(dense.detector_config('retinanet')), two_stage.detector_config()
    with pytest.raises(ValueError, match=r'teacher RetinaNet has no RoI head.*two-stage'):
        collected(two_stage.build(two), one, two_stage.batch())
    student = dense.build_detector(one['model'])
    teacher = Teacher(two, init='random', preprocess='same').build(student)
    with pytest.raises(ValueError, match='teacher FasterRCNN is no one-stage detector'):
        dense_step(student, teacher, DenseHeadLogits(), *dense.batch())


def test_an_image_of_one_pixel_row_less_is_padding_for_the_teacher_too() -> None:
    """Whatever stands in the padding, the converted teacher sees zeros there."""
    config = two_stage.detector_config()
    other = two_stage.detector_config()
    other.model.data_preprocessor.update(mean=[1.0, 2.0, 3.0], std=[60.0, 61.0, 62.0])
    student = two_stage.build(config)
    teacher = Teacher(other, init='random', fast=False).build(student)
    inputs, samples = two_stage.batch((1, 1), ((64, 64), (63, 64)))
    seen = teacher.score(lambda _, x: x, inputs, samples)
    assert not seen[1, :, 63:].any() and seen[1, :, 62].any() and seen[0].all()
    source = RoIHeadLogits()
    source.attach(student)
    task = TaskLosses(student)
    source.arm()
    student(inputs, samples, mode='loss')
    (found,) = source.collect(teacher, inputs, samples)
    assert torch.equal(found.teacher, direct(teacher.model, seen, task.calls[0][2]))
    assert KDLoss()(found.student, found.teacher) > 0
