"""Every one-stage family: rows, labels, weights and divisor are those of its own loss."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from mmengine.logging import MessageHub
from torch import Tensor, nn
from torch.nn import functional as F

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.logits import DenseHeadLogits, LogitBatch, infer_logits
from mmlogitkd.logits.dense_families import FAMILIES, LossCall, family_of, task_rows
from mmlogitkd.losses import BinaryKDLoss, DISTLoss, DKDLoss, KDLoss, LumiNetLoss, SDDLoss
from mmlogitkd.teacher import Teacher
from tests.test_logits.detectors import (
    CONFIGS,
    NUM_CLASSES,
    batch,
    build_detector,
    detector_config,
    full_config,
    sample,
)

SOFTMAX = dict(activation='softmax', rows='foreground')


@pytest.fixture(autouse=True)
def epoch() -> Iterator[MessageHub]:
    """TOOD asks the message hub for the epoch and changes its loss with it."""
    hub = MessageHub.get_current_instance()
    hub.update_info('epoch', 0)
    yield hub


def teacher_of(config: dict, student: nn.Module, seed: int = 1) -> Teacher:
    """Built by a config, with the weights of ``build_detector(config, seed)``."""
    teacher = Teacher(full_config(config), init='random', fast=False).build(student)
    teacher.model.load_state_dict(build_detector(config, seed).state_dict())
    return teacher


def step(
    student: nn.Module, teacher: Teacher, source: DenseHeadLogits, inputs: Tensor, samples: list
) -> tuple[dict, LogitBatch]:
    """One training step's own losses, and what is collected from it."""
    source.attach(student)
    source.arm()
    losses = student(inputs, samples, mode='loss')
    collected = source.collect(teacher, inputs, samples)
    source.detach()
    return losses, collected


def distilled(name: str, losses: dict, seed: int = 1, **logits: Any) -> tuple[nn.Module, Any]:
    """A student with a distiller attached, and that distiller."""
    config = detector_config(name)
    student = build_detector(config)
    distiller = LogitDistiller(
        Teacher(full_config(config), init='random'),
        losses,
        DenseHeadLogits(**logits) if logits else None,
    )
    distiller.attach(student)
    distiller.teacher.model.load_state_dict(build_detector(config, seed).state_dict())
    return student, distiller


@pytest.mark.parametrize('name', CONFIGS)
def test_a_copy_of_the_student_agrees_in_every_row(name: str) -> None:
    config = detector_config(name)
    student = build_detector(config)
    assert isinstance(infer_logits(student), DenseHeadLogits)
    _, collected = step(student, teacher_of(config, student, seed=0), DenseHeadLogits(), *batch())
    assert len(collected.student) and collected.student.std() > 0.01
    assert torch.equal(collected.student, collected.teacher)
    assert collected.student.requires_grad and not collected.teacher.requires_grad
    assert BinaryKDLoss()(collected.student, collected.teacher, None, collected.weight) == 0
    _, other = step(student, teacher_of(config, student), DenseHeadLogits(), *batch())
    assert BinaryKDLoss()(other.student, other.teacher, None, other.weight) > 0


class Recorded:
    """What a loss module is called with, kept by means other than the adapter's."""

    def __init__(self, head: Any) -> None:
        self.calls: list[tuple[Any, Any, Any]] = []
        for name in ('loss_cls', 'initial_loss_cls'):
            if hasattr(head, name):
                module = getattr(head, name)
                setattr(module, 'forward', self.keeping(module, module.forward))  # noqa: B010

    def keeping(self, module: Any, forward: Any) -> Any:
        def called(pred: Tensor, target: Any, weight: Any = None, **options: Any) -> Tensor:
            if options.get('reduction_override') is None:
                whole = forward(pred, target, weight, reduction_override='sum')
                self.calls.append((pred, target, whole))
            return forward(pred, target, weight, **options)

        return called


@pytest.mark.parametrize(
    ('name', 'at_epoch'),
    [*((name, 0) for name in CONFIGS), ('tood', 9)],
    ids=[*CONFIGS, 'tood_aligned'],
)
def test_the_divisor_is_what_the_heads_own_loss_divides_by(
    name: str, at_epoch: int, epoch: MessageHub
) -> None:
    """The summed classification loss over the divisor is the loss that the head reports."""
    epoch.update_info('epoch', at_epoch)
    config = detector_config(name)
    student = build_detector(config)
    recorded = Recorded(student.bbox_head)
    losses, collected = step(student, teacher_of(config, student), DenseHeadLogits(), *batch())
    reported = losses['loss_cls']
    reported = torch.stack(list(reported)).sum() if not torch.is_tensor(reported) else reported
    summed = torch.stack([whole for *_, whole in recorded.calls]).sum()
    assert float(collected.avg_factor) > 1
    torch.testing.assert_close(summed / collected.avg_factor, reported)


@pytest.mark.parametrize(
    'name',
    [
        # one head per form of its calls: per level, joined, per image, positives, probabilities
        pytest.param(
            name,
            marks=() if name in ('gfl', 'vfnet', 'paa', 'yolox', 'tood') else pytest.mark.full,
        )
        for name in CONFIGS
    ],
)
def test_foreground_rows_carry_their_labels(name: str) -> None:
    """Against the head's own calls: as multisets of (scores, label), whatever their order."""
    config = detector_config(name)
    student = build_detector(config)
    recorded = Recorded(student.bbox_head)
    source = DenseHeadLogits(**SOFTMAX)
    _, collected = step(student, teacher_of(config, student), source, *batch())
    expected = []
    for pred, target, _ in recorded.calls:
        if isinstance(target, tuple):
            target = target[0]
        elif target.is_floating_point():
            target = torch.where(target.sum(1) > 0, target.argmax(1), NUM_CLASSES)
        expected += [
            (label, *scores)
            for scores, label in zip(pred.tolist(), target.tolist(), strict=True)
            if label < NUM_CLASSES
        ]
    shown = collected.student.sigmoid() if name == 'tood' else collected.student
    found = [
        (label, *scores)
        for scores, label in zip(shown.tolist(), collected.target.tolist(), strict=True)
    ]
    assert found and set(collected.target.tolist()) == {0, 1, 2}
    torch.testing.assert_close(torch.tensor(sorted(found)), torch.tensor(sorted(expected)))


def overlap(a: list, b: list, of_first: bool = False) -> float:
    """Intersection over union, or over the first box's area."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area_a, area_b = ((x[2] - x[0]) * (x[3] - x[1]) for x in (a, b))
    return width * height / (area_a if of_first else area_a + area_b - width * height)


def test_two_images_by_hand() -> None:
    """RetinaNet, anchor by anchor: places, assignment, ignored region, padding, divisor, loss."""
    config = detector_config('retinanet')
    config['train_cfg']['assigner']['ignore_iof_thr'] = 0.5
    student = build_detector(config)
    teacher = teacher_of(config, student)
    inputs, samples = batch()
    _, collected = step(student, teacher, DenseHeadLogits(), inputs, samples)
    with torch.no_grad():
        ours, theirs = student(inputs)[0], teacher.model(inputs)[0]
    total, positives, counted = 0.0, 0, []
    for image, data in enumerate(samples):
        objects = data.gt_instances.bboxes.tolist()
        ignored = data.ignored_instances.bboxes.tolist()
        anchors, rows = [], []
        for level, stride in enumerate((8, 16, 32, 64, 128)):
            shapes = student.bbox_head.prior_generator.base_anchors[level].tolist()
            for y in range(math.ceil(128 / stride)):
                for x in range(math.ceil(128 / stride)):
                    for a, box in enumerate(shapes):
                        place = [
                            c + (x * stride, y * stride)[axis % 2] for axis, c in enumerate(box)
                        ]
                        height, width = (math.ceil(side / stride) for side in data.pad_shape)
                        real = y < height and x < width
                        anchors.append(place if real else None)
                        columns = slice(a * NUM_CLASSES, (a + 1) * NUM_CLASSES)
                        rows.append(
                            [maps[level][image, columns, y, x].tolist() for maps in (ours, theirs)]
                        )
        best = [
            max(overlap(place, target) for place in anchors if place is not None)
            for target in objects
        ]
        for place, (s, t) in zip(anchors, rows, strict=True):
            if place is None:
                counted.append(0)
                continue
            if any(overlap(place, region, of_first=True) > 0.5 for region in ignored):
                overlaps = [-1.0] * len(objects)
            else:
                overlaps = [overlap(place, target) for target in objects]
            positive = max(overlaps) >= 0.5 or any(
                abs(o - b) < 1e-6 for o, b in zip(overlaps, best, strict=True)
            )
            positives += positive
            counted.append(int(positive or 0 <= max(overlaps) < 0.4))
            if counted[-1]:
                for z_s, z_t in zip(s, t, strict=True):
                    p, q = 1 / (1 + math.exp(-z_s)), 1 / (1 + math.exp(-z_t))
                    entropy = -q * math.log(p) - (1 - q) * math.log(1 - p)
                    total += abs(p - q) * entropy
    assert collected.weight.tolist() == counted and 0 < sum(counted) < len(counted)
    assert collected.avg_factor == positives
    loss = BinaryKDLoss()(
        collected.student, collected.teacher, None, collected.weight, collected.avg_factor
    )
    assert loss.item() == pytest.approx(total / positives, rel=1e-4)


@pytest.mark.parametrize('loss', [KDLoss(), LumiNetLoss(alpha=2.0), DKDLoss()])
def test_leaving_rows_out_by_index_or_by_weight_is_the_same(loss: Any) -> None:
    terms = [
        distilled('gfl', dict(loss_kd=loss), compact=compact, **SOFTMAX)[0](*batch(), mode='loss')
        for compact in (True, False)
    ]
    assert terms[0]['loss_kd'] > 0
    torch.testing.assert_close(terms[0]['loss_kd'], terms[1]['loss_kd'])


def test_losses_over_the_whole_batch_take_the_rows_that_are_left() -> None:
    student, _ = distilled('gfl', dict(loss_dist=DISTLoss()), **SOFTMAX)
    assert student(*batch(), mode='loss')['loss_dist'] > 0
    student, _ = distilled('gfl', dict(loss_dist=DISTLoss()), compact=False, **SOFTMAX)
    with pytest.raises(ValueError, match='row weights'):
        student(*batch(), mode='loss')


@pytest.mark.parametrize('name', ['gfl', 'fcos', pytest.param('paa', marks=pytest.mark.full)])
def test_the_teachers_top_rows(name: str) -> None:
    config = detector_config(name)
    student = build_detector(config)
    teacher = teacher_of(config, student)
    inputs, samples = batch()
    _, every = step(student, teacher, DenseHeadLogits(), inputs, samples)
    top = DenseHeadLogits(rows='teacher_topk', topk=7)
    _, chosen = step(student, teacher, top, inputs, samples)
    weight = torch.ones(len(every.teacher)) if every.weight is None else every.weight
    score = every.teacher.amax(1) - 1e6 * (weight == 0)
    rows = len(score) // 2
    expected = [
        image * rows + position
        for image, part in enumerate(score.tolist()[i * rows : (i + 1) * rows] for i in (0, 1))
        for position in sorted(range(rows), key=lambda i, part=part: -part[i])[:7]
    ]
    torch.testing.assert_close(chosen.teacher, every.teacher[expected])
    torch.testing.assert_close(chosen.student, every.student[expected])
    assert float(chosen.avg_factor) == float(every.avg_factor)


@pytest.mark.parametrize(
    'name',
    [
        pytest.param(name, marks=() if name in ('gfl', 'fcos', 'yolox') else pytest.mark.full)
        for name in CONFIGS
    ],
)
def test_images_without_objects_give_a_zero_that_trains(name: str) -> None:
    losses = dict(loss_kd=KDLoss(), loss_dist=DISTLoss(), loss_luminet=LumiNetLoss())
    student, _ = distilled(name, losses, **SOFTMAX)
    inputs, samples = batch()
    empty = [sample([], [], data.img_shape) for data in samples]
    terms = student(inputs, empty, mode='loss')
    distillation = sum(terms[key] for key in losses)
    assert distillation == 0
    distillation.backward()
    grads = [p.grad for p in student.bbox_head.parameters() if p.grad is not None]
    assert grads and not any(grad.any() for grad in grads)


@pytest.mark.parametrize('name', ['retinanet', 'yolox'])
def test_a_batch_of_one(name: str) -> None:
    student, _ = distilled(name, dict(loss_kd=KDLoss()), **SOFTMAX)
    inputs, samples = batch()
    assert student(inputs[:1], samples[:1], mode='loss')['loss_kd'] > 0


def test_a_teacher_of_other_normalisation_sees_its_own_images() -> None:
    """Same weights, other mean, std and channel order; padding stays zero for both."""
    config = detector_config('fcos')
    student = build_detector(config)
    other = copy.deepcopy(config)
    other['data_preprocessor'].update(
        mean=[100.0, 110.0, 120.0], std=[50.0, 55.0, 60.0], bgr_to_rgb=True
    )
    teacher = teacher_of(other, student, seed=0)
    inputs, samples = batch()
    _, collected = step(student, teacher, DenseHeadLogits(), inputs, samples)
    seen = torch.zeros_like(inputs)
    ours, theirs = student.data_preprocessor, teacher.model.data_preprocessor
    for image, data in enumerate(samples):
        height, width = data.img_shape
        pixels = inputs[image, :, :height, :width] * ours.std + ours.mean
        seen[image, :, :height, :width] = (pixels.flip(0) - theirs.mean) / theirs.std
    with torch.no_grad():
        maps = teacher.model(seen)[0]
    rows = torch.cat([level.permute(0, 2, 3, 1).flatten(1, 2) for level in maps], dim=1)
    torch.testing.assert_close(collected.teacher, rows.flatten(0, 1), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(collected.teacher, collected.student, atol=1e-3)


def test_the_teacher_runs_no_loss_and_no_post_processing() -> None:
    student, distiller = distilled('atss', dict(loss_kd=BinaryKDLoss()))
    head = distiller.teacher.model.bbox_head

    def never(*args: Any, **kwargs: Any) -> None:
        raise AssertionError('the teacher was asked for more than its maps')

    for name in ('loss', 'loss_by_feat', 'get_targets', 'predict_by_feat', 'predict'):
        setattr(head, name, never)
    head.assigner.assign = never
    student(*batch(), mode='loss')
    assert not distiller.teacher.model.training


def softmax_head(name: str = 'retinanet') -> dict:
    config = detector_config(name)
    config['bbox_head']['loss_cls'] = dict(type='CrossEntropyLoss', use_sigmoid=False)
    return config


def test_a_softmax_head_keeps_background_as_its_last_class() -> None:
    config = softmax_head()
    student = build_detector(config)
    teacher = teacher_of(config, student)
    source = DenseHeadLogits()
    assert source.attach(student) == 'softmax' and source.without_labels is None
    _, every = step(student, teacher, source, *batch())
    assert every.student.size(1) == NUM_CLASSES + 1
    assert set(every.target.tolist()) == {0, 1, 2, NUM_CLASSES}
    teacher._columns = torch.tensor([2, 0, 1])
    _, mapped = step(student, teacher, source, *batch())
    torch.testing.assert_close(mapped.teacher, every.teacher[:, [2, 0, 1, 3]])
    top = DenseHeadLogits(rows='teacher_topk', topk=3)
    _, chosen = step(student, teacher, top, *batch())
    likely = mapped.teacher.softmax(1)[:, :NUM_CLASSES].amax(1) * (mapped.weight > 0)
    expected = likely.view(2, -1).topk(3).values.flatten()
    found = chosen.teacher.softmax(1)[:, :NUM_CLASSES].amax(1)
    torch.testing.assert_close(found, expected)


def generator(config: dict) -> dict:
    return config['bbox_head']['anchor_generator']


def reversed_anchors(model: Any) -> None:
    anchors = model.bbox_head.prior_generator.base_anchors
    anchors[2] = anchors[2].flip(0)


OTHERS: dict[str, tuple[str, str, Any, str]] = dict(
    strides=(
        'gfl',
        'gfl',
        lambda c: generator(c).update(strides=[4, 16, 32, 64, 128]),
        r'strides of level 0 differ: \(8, 8\).*\(4, 4\)',
    ),
    priors_per_cell=(
        'retinanet',
        'retinanet',
        lambda c: generator(c).update(scales_per_octave=1),
        'priors per cell of level 0 differ: 9.*3 in the',
    ),
    anchors=(
        'gfl',
        'gfl',
        lambda c: generator(c).update(octave_base_scale=4),
        r'anchors .* of level 0 differ: \[\(-32.0.*\[\(-16.0',
    ),
    offsets=(
        'rtmdet',
        'rtmdet',
        lambda c: generator(c).update(offset=0.5),
        'centre offsets differ: 0 .*0.5',
    ),
    levels=('rtmdet', 'fcos', None, 'levels differ: 3 .*RTMDet.*5 .*FCOS'),
    kinds=('fcos', 'atss', None, 'kinds of priors differ: points.*anchors'),
    objectness=('rtmdet', 'yolox', None, 'RTMDetSepBNHead .*YOLOXHead.*mean different'),
    background=('retinanet', 'softmax', None, r'background\) differ: 0 .*1 in'),
)


@pytest.mark.parametrize('case', OTHERS)
def test_teachers_whose_rows_are_other_places_are_refused(case: str) -> None:
    student_name, teacher_name, change, message = OTHERS[case]
    student = build_detector(detector_config(student_name))
    config = softmax_head() if teacher_name == 'softmax' else detector_config(teacher_name)
    if change is not None:
        change(config)
    teacher = Teacher(full_config(config), init='random', preprocess='same').build(student)
    with pytest.raises(ValueError, match=message):
        step(student, teacher, DenseHeadLogits(), *batch())


def test_anchors_in_another_order_are_refused() -> None:
    config = detector_config('retinanet')
    student = build_detector(config)
    teacher = teacher_of(config, student)
    reversed_anchors(teacher.model)
    with pytest.raises(ValueError, match=r'anchors .* of level 2 differ'):
        step(student, teacher, DenseHeadLogits(), *batch())


def test_a_teacher_of_the_same_rows_from_another_family_is_taken() -> None:
    """TOOD's probabilities become logits, GFL's are logits; both have one anchor per cell."""
    student = build_detector(detector_config('gfl'))
    teacher = teacher_of(detector_config('tood'), student)
    inputs, samples = batch()
    _, collected = step(student, teacher, DenseHeadLogits(), inputs, samples)
    with torch.no_grad():
        maps = teacher.model(inputs)[0]
    rows = torch.cat([level.permute(0, 2, 3, 1).flatten(1, 2) for level in maps], dim=1)
    torch.testing.assert_close(collected.teacher.sigmoid(), rows.flatten(0, 1))


def test_a_teacher_with_other_classes_or_without_a_dense_head_is_refused() -> None:
    config = detector_config('fcos')
    student = build_detector(config)
    config['bbox_head']['num_classes'] = 5
    teacher = Teacher(full_config(config), init='random').build(student)
    with pytest.raises(ValueError, match='same number of classes'):
        step(student, teacher, DenseHeadLogits(), *batch())
    teacher._model = nn.Linear(1, 1)
    with pytest.raises(ValueError, match='teacher Linear is no one-stage detector'):
        step(student, teacher, DenseHeadLogits(), *batch())


def test_a_head_whose_loss_sees_its_rows_in_another_order_is_refused() -> None:
    """The map is flipped on its way to the loss only: what is tapped is not what is trained."""
    config = detector_config('fcos')
    student = build_detector(config)
    own = student.bbox_head.loss_by_feat
    student.bbox_head.loss_by_feat = lambda scores, *rest: own(
        [level.flip(3) for level in scores], *rest
    )
    with pytest.raises(RuntimeError, match='orders its rows'):
        step(student, teacher_of(config, student), DenseHeadLogits(), *batch())


def test_calls_that_do_not_fit_the_maps_are_refused() -> None:
    call = LossCall(torch.zeros(8, 3), torch.zeros(8, dtype=torch.long), None, 1.0)
    with pytest.raises(RuntimeError, match=r'with \[8\] rows.*2 images hold \[8, 2\]'):
        task_rows(FAMILIES['GFLHead'], [call], [], 2, [4, 1], 3)
    with pytest.raises(RuntimeError, match='objectness loss 0 times'):
        task_rows(FAMILIES['YOLOXHead'], [call], [], 2, [4], 3)


def test_a_yolox_positive_that_overlaps_nothing_has_no_label() -> None:
    """Its class target is 0: it counts in the divisor, but is no foreground row."""
    objectness = LossCall(torch.zeros(6, 1), torch.tensor([0.0, 1, 0, 1, 1, 0]).view(6, 1))
    quality = torch.tensor([[0.0, 0.5, 0.0], [0.0, 0.0, 0.0], [0.7, 0.0, 0.0]])
    rows = task_rows(
        FAMILIES['YOLOXHead'], [LossCall(torch.zeros(3, 3), quality)], [objectness], 2, [3], 3
    )
    assert rows.labels.tolist() == [[3, 1, 3], [3, 0, 3]]
    assert float(rows.divisor) == 3


REFUSED = dict(
    DETRHead='rows are queries',
    DeformableDETRHead='rows are queries',
    DINOHead='rows are queries',
    DDQDETRHead='rows are queries',
    FreeAnchorRetinaHead='loss of FreeAnchorRetinaHead',
    FSAFHead='loss of FSAFHead',
    PISARetinaHead='loss of PISARetinaHead',
    SSDHead='loss of SSDHead',
    YOLOV3Head='loss of YOLOV3Head',
    YOLACTHead='loss of YOLACTHead',
    LDHead='loss of LDHead',
    LADHead='loss of LADHead',
    DDODHead='loss of DDODHead',
    AutoAssignHead='loss of AutoAssignHead',
    CenterNetHead='loss of CenterNetHead',
    RTMDetInsHead='loss of RTMDetInsHead',
    RPNHead='loss of RPNHead',
)


@pytest.mark.parametrize('name', REFUSED)
def test_heads_of_other_losses_are_refused_by_name(name: str) -> None:
    from mmdet.models import dense_heads

    kind = getattr(dense_heads, name)
    with pytest.raises(ValueError, match=f'{name} .*{REFUSED[name]}'):
        family_of(kind.__new__(kind))


@pytest.mark.parametrize('name', ['RetinaHead', 'RetinaSepBNHead', 'NASFCOSHead', 'RTMDetHead'])
def test_heads_that_inherit_a_known_loss_are_taken(name: str) -> None:
    from mmdet.models import dense_heads

    kind = getattr(dense_heads, name)
    assert family_of(kind.__new__(kind)) in FAMILIES.values()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(rows='positives'), "rows='positives'"),
        (dict(rows='teacher_topk'), 'topk=None'),
        (dict(topk=5), 'topk=5'),
        (dict(rows='teacher_topk', topk=0), 'topk=0'),
        (dict(activation='relu'), "activation='relu'"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DenseHeadLogits(**arguments)


def attach(name: str, loss: Any, **logits: Any) -> None:
    distilled(name, dict(loss_kd=loss), **logits)


def test_what_does_not_fit_a_dense_head_is_refused_before_training() -> None:
    with pytest.raises(ValueError, match=r"KDLoss\) compares softmax.*activation='softmax'"):
        attach('fcos', KDLoss())
    with pytest.raises(ValueError, match=r"activation='softmax' on a sigmoid head.*foreground"):
        attach('fcos', KDLoss(), activation='softmax')
    with pytest.raises(ValueError, match=r"DKDLoss\) needs labels.*rows='all'.*background"):
        attach('fcos', DKDLoss(), activation='softmax', rows='all')
    with pytest.raises(ValueError, match='SDD needs regions'):
        attach('fcos', SDDLoss(base=dict(type='mmlogitkd.KDLoss')), **SOFTMAX)
    with pytest.raises(ValueError, match=r"rows='all'.*YOLOXHead.*positives alone"):
        attach('yolox', BinaryKDLoss(), rows='all')
    with pytest.raises(ValueError, match='Linear is not built like an mmdet one-stage'):
        DenseHeadLogits().attach(nn.Linear(1, 1))


def test_a_loss_with_its_own_activation_is_refused() -> None:
    student = build_detector(detector_config('fcos'))
    student.bbox_head.loss_cls.custom_activation = True
    with pytest.raises(ValueError, match='FocalLoss brings its own activation'):
        DenseHeadLogits().attach(student)


def test_positive_weights_stay_weights() -> None:
    """``pos_weight`` of the task loss: rows are left out by index and the rest keep theirs."""
    config = detector_config('atss')
    config['train_cfg']['pos_weight'] = 2.0
    student = build_detector(config)
    source = DenseHeadLogits(**SOFTMAX)
    _, collected = step(student, teacher_of(config, student), source, *batch())
    assert set(collected.weight.tolist()) == {2.0}
    assert F.one_hot(collected.target, NUM_CLASSES).sum(0).min() > 0
