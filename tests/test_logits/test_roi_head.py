"""Two-stage detectors: the teacher scores the student's boxes, the rows are the task loss's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip('mmdet')

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.logits import LogitBatch, RoIHeadLogits, infer_logits
from mmlogitkd.losses import (
    BinaryKDLoss,
    DISTLoss,
    DKDLoss,
    KDLoss,
    LDRLDLoss,
    LumiNetLoss,
    SDDLoss,
)
from mmlogitkd.teacher import Teacher
from mmlogitkd.teacher.build import read_config
from tests.tiny_two_stage import CLASSES, NUM_CLASSES, batch, build, detector_config

DYNAMIC = dict(iou_topk=5, beta_topk=2, update_iter_interval=1, initial_iou=0.4, initial_beta=1.0)


def config_of(kind: str, **arguments: Any) -> Any:
    """Kinds of the tiny detectors and a few variations of them."""
    if kind == 'dynamic':
        config = detector_config('faster', **arguments)
        config.model.roi_head.type = 'DynamicRoIHead'
        config.model.roi_head.bbox_head.loss_bbox = dict(type='SmoothL1Loss', beta=1.0)
        config.model.train_cfg.rcnn.dynamic_rcnn = DYNAMIC
    elif kind == 'cascade_shared':  # the mask branch pools with the box branch's extractors
        config = detector_config('cascade_mask', **arguments)
        config.model.roi_head.mask_roi_extractor = None
        for stage in config.model.train_cfg.rcnn:
            stage.mask_size = 14
    elif kind == 'convs':
        config = detector_config('faster', **arguments)
        head = config.model.roi_head.bbox_head
        head.update(type='Shared4Conv1FCBBoxHead', conv_out_channels=8, norm_cfg=dict(type='BN'))
    elif kind == 'mask_scoring':
        config = detector_config('mask', **arguments)
        config.model.type = 'MaskScoringRCNN'
        config.model.roi_head.type = 'MaskScoringRoIHead'
        config.model.roi_head.mask_iou_head = dict(
            type='MaskIoUHead',
            num_convs=1,
            num_fcs=1,
            in_channels=config.model.neck.out_channels,
            conv_out_channels=8,
            fc_out_channels=8,
            num_classes=NUM_CLASSES,
        )
        config.model.train_cfg.rcnn.mask_thr_binary = 0.5
    elif kind == 'point_rend':
        config = detector_config('mask', **arguments)
        zoo = read_config('mmdet::point_rend/point-rend_r50-caffe_fpn_ms-1x_coco.py').model
        channels = config.model.neck.out_channels
        config.model.type, config.model.roi_head.type = zoo.type, zoo.roi_head.type
        for part in ('mask_roi_extractor', 'mask_head', 'point_head'):
            config.model.roi_head[part] = zoo.roi_head[part]
        zoo.roi_head.mask_roi_extractor.out_channels = channels
        narrow = dict(in_channels=channels, num_classes=NUM_CLASSES)
        zoo.roi_head.mask_head.update(narrow, conv_out_channels=8, fc_out_channels=16)
        zoo.roi_head.point_head.update(narrow, fc_channels=8)
        config.model.train_cfg.rcnn = zoo.train_cfg.rcnn
        config.model.train_cfg.rcnn.sampler.num = 24
    elif kind == 'trident':
        config = detector_config('c4', **arguments)
        zoo = read_config('mmdet::tridentnet/tridentnet_r50-caffe_1x_coco.py').model
        config.model.type, config.model.backbone = zoo.type, zoo.backbone
        config.model.backbone.update(base_channels=8, frozen_stages=-1, init_cfg=None)
        head = config.model.roi_head
        head.update(type=zoo.roi_head.type, num_branch=3, test_branch_idx=1, shared_head=None)
        config.model.rpn_head.in_channels = head.bbox_roi_extractor.out_channels = 128
        head.bbox_head.in_channels = 128
        head.bbox_roi_extractor.roi_layer.output_size = 7
    elif kind == 'sabl':
        config = detector_config('faster', **arguments)
        sabl = read_config('mmdet::sabl/sabl-faster-rcnn_r50_fpn_1x_coco.py').model.roi_head
        config.model.roi_head.bbox_head = sabl.bbox_head
        sabl.bbox_head.update(
            num_classes=NUM_CLASSES,
            cls_in_channels=config.model.neck.out_channels,
            reg_in_channels=config.model.neck.out_channels,
            cls_out_channels=16,
            reg_offset_out_channels=config.model.neck.out_channels,
            reg_cls_out_channels=config.model.neck.out_channels,
        )
    elif kind == 'weighted':
        config = detector_config('faster', **arguments)
        config.model.train_cfg.rcnn.pos_weight = 2.5
    else:
        config = detector_config(kind, **arguments)
    return config


KINDS = [
    'faster',
    'mask',
    'cascade',
    'cascade_shared',
    'dynamic',
    'weighted',
    *(
        pytest.param(kind, marks=pytest.mark.full)
        for kind in ('cascade_mask', 'c4', 'mask_scoring', 'point_rend', 'sabl')
    ),
]


class TaskLosses:
    """What reaches every box head's ``loss``, noted by wrapping the method: no taps."""

    def __init__(self, student: Any) -> None:
        self.calls: list[tuple[Any, ...]] = []
        heads = student.roi_head.bbox_head
        for head in heads if isinstance(heads, nn.ModuleList) else [heads]:
            head.loss = self._noting(head.loss)

    def _noting(self, method: Callable) -> Callable:
        def loss(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(args)
            return method(*args, **kwargs)

        return loss


def collected(
    student: Any,
    teacher_config: Any,
    images: tuple[Tensor, list],
    copied: bool = False,
    with_regions: bool = False,
    **arguments: Any,
) -> tuple[list[LogitBatch], dict, Any]:
    """Run one step of the student; return the batches, its own losses and the teacher's model."""
    source = RoIHeadLogits(**arguments)
    source.attach(student, with_regions)
    torch.manual_seed(7)
    teacher = Teacher(teacher_config, init='random', fast=False).build(student)
    if copied:
        teacher.model.load_state_dict(student.state_dict())
    source.arm()
    own = student(*images, mode='loss')
    batches = source.collect(teacher, *images)
    source.detach()
    return batches, own, teacher.model


def stage_heads(roi_head: Any) -> list:
    heads = roi_head.bbox_head
    return list(heads) if isinstance(heads, nn.ModuleList) else [heads]


def direct(model: Any, inputs: Tensor, rois: Tensor, stage: int | None = None) -> Tensor:
    """mmdet's own scoring of boxes."""
    with torch.no_grad():
        feats = model.extract_feat(inputs)
        index = () if stage is None else (stage,)
        return model.roi_head._bbox_forward(*index, feats, rois)['cls_score']


@pytest.mark.parametrize('kind', KINDS)
def test_rows_are_those_of_the_task_loss(kind: str) -> None:
    """The same tensors; and cross-entropy over the batch is the head's own loss: the divisor is."""
    student = build(config_of(kind))
    task = TaskLosses(student)
    batches, own, _ = collected(student, detector_config(), batch())
    stages = len(stage_heads(student.roi_head))
    assert len(batches) == len(task.calls) == stages
    for index, (found, call) in enumerate(zip(batches, task.calls, strict=True)):
        scores, _, _, labels, weights = call[:5]
        assert found.student is scores and found.student.requires_grad
        assert torch.equal(found.target, labels) and torch.equal(found.weight, weights)
        assert found.prefix == ('' if stages == 1 else f's{index}.')
        assert (found.target < NUM_CLASSES).any() and (found.target == NUM_CLASSES).any()
        entropy = nn.functional.cross_entropy(scores, labels, reduction='none')
        expected = found.loss_weight * (entropy * found.weight).sum() / found.avg_factor
        torch.testing.assert_close(own[f'{found.prefix}loss_cls'], expected)
    if kind == 'weighted':
        assert set(batches[0].weight.tolist()) == {1.0, 2.5}
        assert batches[0].avg_factor == len(batches[0].weight)


@pytest.mark.parametrize('kind', KINDS)
def test_a_copy_of_the_student_gives_the_students_logits(kind: str) -> None:
    student = build(config_of(kind))
    batches, _, _ = collected(student, config_of(kind), batch(), copied=True)
    for found in batches:
        assert torch.equal(found.student, found.teacher) and not found.teacher.requires_grad
        assert found.student.detach().std() > 0.1
        ours, theirs = found.student.detach(), found.teacher
        assert KDLoss()(ours, theirs) == 0
        assert LDRLDLoss(depth=3)(ours, theirs).abs() < 1e-5


@pytest.mark.parametrize('kind', ['faster', 'mask', 'dynamic', 'convs'])
def test_the_teacher_scores_what_it_scores_when_called_directly(kind: str) -> None:
    """Another width, another kind of detector, other normalisation; RPN and masks never run."""
    student = build(detector_config())
    teacher_config = config_of(kind, width=12)
    teacher_config.model.data_preprocessor.update(
        mean=[100.0, 110.0, 120.0], std=[50.0, 60.0, 70.0], bgr_to_rgb=False
    )
    task = TaskLosses(student)
    inputs, samples = batch((2, 1), ((64, 64), (48, 60)))
    source = RoIHeadLogits()
    source.attach(student)
    teacher = Teacher(teacher_config, init='random', fast=False).build(student)
    for part in ('rpn_head', 'mask_head'):
        owner = teacher.model if part == 'rpn_head' else teacher.model.roi_head
        if hasattr(owner, part):
            getattr(owner, part).register_forward_hook(lambda *_: pytest.fail('the teacher ran it'))
    source.arm()
    student(inputs, samples, mode='loss')
    (found,) = source.collect(teacher, inputs, samples)
    converted = teacher.score(lambda _, x: x, inputs, samples)
    assert not torch.equal(converted, inputs)
    assert not converted[1, :, 48:].any() and not converted[1, :, :, 60:].any()
    assert torch.equal(found.teacher, direct(teacher.model, converted, task.calls[0][2]))


@pytest.mark.parametrize(
    ('arguments', 'stages'),
    [({}, (0, 1, 2)), (dict(teacher_stage='mean'), (0, 1, 2)), (dict(teacher_stage=1), (1,))],
)
def test_a_cascade_teaches_a_plain_student(arguments: dict, stages: tuple[int, ...]) -> None:
    student = build(detector_config())
    task = TaskLosses(student)
    inputs, samples = batch()
    (found,), _, model = collected(
        student, detector_config('cascade'), (inputs, samples), **arguments
    )
    answers = [direct(model, inputs, task.calls[0][2], stage) for stage in stages]
    torch.testing.assert_close(found.teacher, sum(answers) / len(answers))


@pytest.mark.parametrize('teacher_kind', ['cascade', 'mask'])
def test_a_cascade_learns_stage_by_stage(teacher_kind: str) -> None:
    """From the same stage of a cascade, or from the one head of a plain teacher."""
    student = build(detector_config('cascade'))
    task = TaskLosses(student)
    inputs, samples = batch()
    batches, _, model = collected(student, detector_config(teacher_kind), (inputs, samples))
    assert [found.loss_weight for found in batches] == [1, 0.5, 0.25]
    rois = [call[2] for call in task.calls]
    assert not torch.equal(rois[0][:20], rois[1][:20])
    for stage, found in enumerate(batches):
        index = stage if teacher_kind == 'cascade' else None
        assert torch.equal(found.teacher, direct(model, inputs, rois[stage], index))


def test_terms_of_a_cascade_carry_its_names_and_weights() -> None:
    student = build(detector_config('cascade'))
    kd = KDLoss(temperature=2.0, loss_weight=3.0)
    distiller = LogitDistiller(
        Teacher(detector_config(), init='random', fast=False), dict(loss_kd=kd)
    )
    distiller.attach(student)
    images, task = batch(), TaskLosses(student)
    losses = student(*images, mode='loss')
    for stage, (weight, call) in enumerate(zip((1, 0.5, 0.25), task.calls, strict=True)):
        theirs = direct(distiller.teacher.model, images[0], call[2])
        expected = weight * kd(call[0], theirs, weight=call[4], avg_factor=len(theirs))
        torch.testing.assert_close(losses[f's{stage}.loss_kd'], expected)
    distiller.factors['loss_kd'] = 0.0
    silent = student(*images, mode='loss')
    assert [float(silent[f's{stage}.loss_kd']) for stage in range(3)] == [0, 0, 0]


def test_background_left_out() -> None:
    """Its column goes; its rows weigh nothing, in the gradient too; the divisor stays."""
    student = build(detector_config())
    kept, cut = (
        collected(student, detector_config(), batch(seed=4), background=flag)[0][0]
        for flag in (True, False)
    )
    assert kept.student.shape[1] == NUM_CLASSES + 1 and cut.student.shape[1] == NUM_CLASSES
    rows = cut.weight > 0
    assert 0 < rows.sum() < len(rows)
    assert cut.avg_factor == len(rows)
    for loss in (KDLoss(), DKDLoss(), LDRLDLoss(depth=2), LumiNetLoss()):
        value = loss(cut.student, cut.teacher, cut.target, cut.weights(True), cut.avg_factor)
        alone = loss(
            cut.student[rows], cut.teacher[rows], cut.target[rows], reduction_override='sum'
        )
        torch.testing.assert_close(value, alone / len(rows))
        (grad,) = torch.autograd.grad(value, cut.student, retain_graph=True)
        assert not grad[~rows].any() and grad[rows].any()
    with pytest.raises(ValueError, match='background=True'):
        cut.weights(DISTLoss().per_row)


def test_a_loss_over_the_whole_batch_takes_every_box() -> None:
    student = build(detector_config())
    teacher = Teacher(detector_config(), init='random', fast=False)
    distiller = LogitDistiller(teacher, dict(loss_dist=DISTLoss()))
    distiller.attach(student)
    images, task = batch(), TaskLosses(student)
    losses = student(*images, mode='loss')
    scores, _, rois = task.calls[0][:3]
    expected = DISTLoss()(scores, direct(teacher.model, images[0], rois))
    torch.testing.assert_close(losses['loss_dist'], expected)


@pytest.mark.parametrize(('kind', 'background'), [('faster', False), ('cascade', True)])
@pytest.mark.parametrize(
    ('counts', 'sizes'),
    [((0,), ()), ((2, 0), ()), ((3,), ()), ((1, 2), ((64, 40), (50, 90)))],
    ids=['only without objects', 'one without objects', 'batch of one', 'mixed sizes'],
)
def test_batches_of_every_shape_train(
    counts: tuple[int, ...], sizes: tuple, kind: str, background: bool
) -> None:
    student = build(detector_config(kind))
    losses = dict(
        loss_dkd=DKDLoss(),
        loss_luminet=LumiNetLoss(),
        loss_sdd=SDDLoss(base=dict(type='mmlogitkd.KDLoss'), scales=(1, 2)),
    )
    source = RoIHeadLogits(background=background)
    distiller = LogitDistiller(Teacher(detector_config(), init='random'), losses, source)
    distiller.attach(student)
    terms = student(*batch(counts, sizes), mode='loss')
    ours = {key: value for key, value in terms.items() if key.split('.')[-1] in losses}
    assert len(ours) == 3 * (3 if kind == 'cascade' else 1)
    assert all(torch.isfinite(value) for value in ours.values())
    sum(ours.values()).backward()
    grad = student.backbone.conv1.weight.grad
    assert torch.isfinite(grad).all()
    assert grad.any() == (background or any(counts))


@pytest.mark.parametrize('kind', ['faster', 'cascade'])
@pytest.mark.parametrize('views', ['cells', 'phases'])
def test_no_boxes_at_all_give_a_differentiable_zero(kind: str, views: str) -> None:
    """The RPN keeps nothing and there are no objects; a cascade then stops after a stage."""
    config = detector_config(kind)
    config.model.train_cfg.rpn_proposal.min_bbox_size = 1000
    student = build(config)
    losses = dict(loss_kd=KDLoss(), loss_sdd=SDDLoss(base=dict(type='mmlogitkd.KDLoss'), beta=1))
    distiller = LogitDistiller(
        Teacher(detector_config(), init='random'), losses, RoIHeadLogits(views=views)
    )
    distiller.attach(student)
    terms = student(*batch((0,)), mode='loss')
    ours = [value for key, value in terms.items() if 'kd' in key or 'sdd' in key]
    assert len(ours) == 2 and all(value.detach() == 0 for value in ours)
    sum(ours).backward()
    assert not student.backbone.conv1.weight.grad.any()


def test_classes_are_matched_by_name_and_background_stays_last(tmp_path: Any) -> None:
    names = ('star', 'moon', 'circle', 'square')
    config = detector_config(num_classes=4)
    torch.save(
        dict(meta=dict(dataset_meta=dict(classes=names)), state_dict=build(config, 5).state_dict()),
        tmp_path / 'teacher.pth',
    )
    student = build(detector_config())
    task = TaskLosses(student)
    teacher = Teacher(config, str(tmp_path / 'teacher.pth'), fast=False).build(student, CLASSES)
    images = batch()
    for background in (True, False):
        source = RoIHeadLogits(background=background)
        source.attach(student)
        source.arm()
        student(*images, mode='loss')
        (found,) = source.collect(teacher, *images)
        source.detach()
        columns = [2, 3, 0, 4] if background else [2, 3, 0]
        scores = direct(teacher.model, images[0], task.calls[-1][2])
        assert torch.equal(found.teacher, scores[:, columns])


def test_sigmoid_heads_are_said_to_be_sigmoid() -> None:
    config = detector_config()
    config.model.roi_head.bbox_head.loss_cls.use_sigmoid = True
    student = build(config)
    with pytest.raises(ValueError, match=r"predicts with sigmoid.*activation='softmax'"):
        LogitDistiller(Teacher(config, init='random'), dict(loss_kd=KDLoss())).attach(student)
    batches, _, _ = collected(student, config, batch())
    found = batches[0]
    assert BinaryKDLoss()(found.student, found.teacher, weight=found.weight) > 0
    with pytest.raises(ValueError, match=r'trained for softmax, the student.s for sigmoid'):
        collected(student, detector_config(), batch())
    collected(student, detector_config(), batch(), activation='sigmoid')


REFUSED = [
    'DoubleHeadRoIHead',
    'GridRoIHead',
    'HybridTaskCascadeRoIHead',
    'MultiInstanceRoIHead',
    'PISARoIHead',
    'SCNetRoIHead',
    'SparseRoIHead',
]


@pytest.mark.parametrize('name', REFUSED)
def test_heads_that_score_or_train_in_another_way_are_refused(name: str) -> None:
    """The class decides, so a built head stands in for one of that class."""
    from mmdet.models import roi_heads

    student = build(detector_config())
    student.roi_head.__class__ = getattr(roi_heads, name)
    with pytest.raises(
        ValueError, match=rf"student's {name} brings its own `(_bbox_f|bbox_l|loss)"
    ):
        infer_logits(student).attach(student)


def test_a_teacher_that_scores_in_another_way_is_refused() -> None:
    from mmdet.models import roi_heads

    student = build(detector_config())
    source = RoIHeadLogits()
    source.attach(student)
    teacher = Teacher(detector_config(), init='random').build(student)
    for name, message in (('DoubleHeadRoIHead', '`_bbox_forward`'), ('PISARoIHead', '')):
        teacher.model.roi_head.__class__ = getattr(roi_heads, name)
        source.arm()
        student(*batch(), mode='loss')
        if message:
            with pytest.raises(ValueError, match=f"teacher's {name} brings its own {message}"):
                source.collect(teacher, *batch())
        else:  # only trains in another way
            source.collect(teacher, *batch())
    del teacher.model.roi_head
    source.arm()
    student(*batch(), mode='loss')
    with pytest.raises(ValueError, match=r'teacher FasterRCNN has no RoI head.*two-stage'):
        source.collect(teacher, *batch())


def test_a_trident_teaches_with_one_branch_and_learns_not_at_all() -> None:
    """In training, and in test with all branches, its maps hold every image three times."""
    config = config_of('trident')
    with pytest.raises(ValueError, match=r"student's feature maps hold 6 images.*TridentNet"):
        collected(initialised(build(config)), detector_config(), batch())
    student = build(detector_config())
    task = TaskLosses(student)
    source = RoIHeadLogits()
    source.attach(student)
    source.arm()
    inputs, samples = batch()
    student(inputs, samples, mode='loss')
    teacher = Teacher(config, init='random', fast=False, preprocess='same').build(student)
    model = initialised(teacher.model)
    (found,) = source.collect(teacher, inputs, samples)
    assert torch.equal(found.teacher, direct(model, inputs, task.calls[0][2]))
    for module in model.modules():
        if hasattr(module, 'test_branch_idx'):
            module.test_branch_idx = -1
    source.arm()
    student(inputs, samples, mode='loss')
    with pytest.raises(ValueError, match=r"teacher's feature maps hold 6 images"):
        source.collect(teacher, inputs, samples)


def initialised(model: Any) -> Any:
    """TridentNet's convolutions are not, until they are told to."""
    for parameter in model.backbone.parameters():
        if parameter.dim() == 4:
            nn.init.kaiming_uniform_(parameter)
    return model


@pytest.mark.parametrize(
    ('entries', 'message'),
    [
        (
            dict(loss_cls=dict(type='SeesawLoss', num_classes=NUM_CLASSES)),
            'SeesawLoss, which has an activation of its own',
        ),
        (dict(with_cls=False), 'with_cls=False'),
    ],
    ids=['seesaw', 'no classes'],
)
def test_heads_with_other_columns_are_refused(entries: dict, message: str) -> None:
    config = detector_config()
    config.model.roi_head.bbox_head.update(entries)
    with pytest.raises(ValueError, match=message):
        RoIHeadLogits().attach(build(config))


def test_samplers_that_run_the_head_are_refused() -> None:
    config = detector_config('cascade')
    config.model.train_cfg.rcnn[1].sampler = dict(
        type='CombinedSampler',
        num=8,
        pos_fraction=0.25,
        add_gt_as_proposals=True,
        pos_sampler=dict(type='InstanceBalancedPosSampler'),
        neg_sampler=dict(type='OHEMSampler'),
    )
    with pytest.raises(ValueError, match=r"samples with \['OHEMSampler'\].*RandomSampler"):
        RoIHeadLogits().attach(build(config))


def test_numbers_that_do_not_fit_are_named() -> None:
    student = build(detector_config())
    source = RoIHeadLogits()
    source.attach(student)
    source.arm()
    inputs, samples = batch()
    student(inputs, samples, mode='loss')
    with pytest.raises(ValueError, match=r'feature maps hold 2 images for a batch of 1'):
        source.collect(Teacher(detector_config(), init='random'), inputs[:1], samples[:1])
    source.detach()
    student.requires_grad_(False)
    with pytest.raises(RuntimeError, match=r'box scores carry no gradient'):
        collected(student, detector_config(), batch())
    student.requires_grad_(True)
    with pytest.raises(ValueError, match=r'student.s box head has 3 classes, the teacher.s 4'):
        collected(student, detector_config(num_classes=4), batch())
    with pytest.raises(ValueError, match=r'teacher_stage=3: the teacher has 3 stage'):
        collected(student, detector_config('cascade'), batch(), teacher_stage=3)
    two = detector_config('cascade')
    two.model.roi_head.update(num_stages=2, stage_loss_weights=[1, 0.5])
    two.model.roi_head.bbox_head = two.model.roi_head.bbox_head[:2]
    with pytest.raises(ValueError, match=r'student has 3 stages, the teacher 2'):
        collected(build(detector_config('cascade')), two, batch())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(background='no'), "background='no'"),
        (dict(teacher_stage=-1), 'teacher_stage=-1'),
        (dict(teacher_stage=True), 'teacher_stage=True'),
        (dict(teacher_stage='last'), "teacher_stage='last'"),
        (dict(views='quadrants'), "views='quadrants'"),
        (dict(activation='relu'), "activation='relu'"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RoIHeadLogits(**arguments)


def test_the_adapter_is_inferred_and_leaves_nothing_behind() -> None:
    student = build(detector_config())
    assert isinstance(infer_logits(student), RoIHeadLogits)
    keys = list(student.state_dict())
    distiller = LogitDistiller(Teacher(detector_config(), init='random'), dict(loss_kd=KDLoss()))
    distiller.attach(student)
    student(*batch(), mode='loss')
    distiller.detach()
    assert not any(module._forward_hooks for module in student.modules())
    assert keys == list(student.state_dict())
    del student.roi_head
    with pytest.raises(ValueError, match=r'no source of logits is known for FasterRCNN.*Cascade'):
        infer_logits(student)
