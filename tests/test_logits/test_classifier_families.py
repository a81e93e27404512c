"""Every family of mmpretrain's classifiers: what is tapped is what the model says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.logits import ClassifierLogits
from mmlogitkd.losses import KDLoss, LDRLDLoss, SDDLoss
from mmlogitkd.teacher import Teacher
from tests.tiny import NUM_CLASSES, build, classifier_config, full_config

GAP = dict(type='GlobalAveragePooling')


def linear(width: int, **extra: Any) -> dict:
    return dict(type='LinearClsHead', num_classes=NUM_CLASSES, in_channels=width, **extra)


def family(backbone: dict, neck: dict | None, head: dict) -> dict:
    return dict(
        type='ImageClassifier',
        data_preprocessor=dict(
            type='ClsDataPreprocessor',
            mean=[120.0, 115.0, 105.0],
            std=[58.0, 57.0, 57.0],
            to_rgb=False,
            num_classes=NUM_CLASSES,
        ),
        backbone=backbone,
        neck=neck,
        head=head,
    )


SWIN = dict(
    type='SwinTransformer',
    arch=dict(embed_dims=8, depths=[1, 1], num_heads=[1, 2]),
    img_size=64,
    window_size=4,
    out_indices=(1,),
)
VIT = dict(
    type='VisionTransformer',
    arch=dict(embed_dims=16, num_layers=1, num_heads=2, feedforward_channels=16),
    img_size=64,
    patch_size=16,
)
CONVNEXT = dict(type='ConvNeXt', arch=dict(depths=[1, 1, 1, 1], channels=[4, 8, 8, 16]))
VIT_HEAD = dict(type='VisionTransformerClsHead', num_classes=NUM_CLASSES, in_channels=16)

# name: (config, whether its head is fed by global average pooling of a map)
FAMILIES: dict[str, tuple[dict, bool]] = dict(
    resnet=(classifier_config(4), True),
    mobilenet_v2=(
        family(dict(type='MobileNetV2', widen_factor=0.1), GAP, linear(1280)),
        True,
    ),
    mobilenet_v3=(
        family(
            dict(type='MobileNetV3', arch='small'),
            GAP,
            dict(
                type='StackedLinearClsHead',
                num_classes=NUM_CLASSES,
                in_channels=576,
                mid_channels=[16],
                dropout_rate=0.2,
                act_cfg=dict(type='HSwish'),
            ),
        ),
        True,
    ),
    shufflenet_v1=(family(dict(type='ShuffleNetV1', groups=3), GAP, linear(960)), True),
    shufflenet_v2=(
        family(dict(type='ShuffleNetV2', widen_factor=0.5), GAP, linear(1024)),
        True,
    ),
    regnet=(family(dict(type='RegNet', arch='regnetx_400mf'), GAP, linear(384)), True),
    efficientnet=(family(dict(type='EfficientNet', arch='b0'), GAP, linear(1280)), True),
    repvgg=(family(dict(type='RepVGG', arch='A0'), GAP, linear(1280)), True),
    swin=(family(SWIN, GAP, linear(16)), True),
    convnext_map=(
        family(dict(CONVNEXT, gap_before_final_norm=False), GAP, linear(16)),
        True,
    ),
    vit_map=(family(dict(VIT, out_type='featmap'), GAP, linear(16)), True),
    convnext=(family(CONVNEXT, None, linear(16)), False),
    vit=(family(VIT, None, VIT_HEAD), False),
    deit=(
        family(
            dict(VIT, type='DistilledVisionTransformer'), None, dict(VIT_HEAD, type='DeiTClsHead')
        ),
        False,
    ),
    vgg=(
        family(dict(type='VGG', depth=11, num_classes=NUM_CLASSES), None, dict(type='ClsHead')),
        False,
    ),
    conformer=(
        family(
            dict(
                type='Conformer',
                arch=dict(embed_dims=48, depths=12, num_heads=1, channel_ratio=1),
            ),
            None,
            dict(type='ConformerHead', num_classes=NUM_CLASSES, in_channels=[256, 48]),
        ),
        False,
    ),
)
DEFAULT_TIER = ('resnet', 'mobilenet_v2', 'mobilenet_v3', 'swin', 'vit', 'convnext', 'conformer')
EVERY = [
    pytest.param(name, marks=() if name in DEFAULT_TIER else pytest.mark.full, id=name)
    for name in FAMILIES
]
MAPPED = [p for p in EVERY if FAMILIES[p.values[0]][1]]


def batch(size: int = 64) -> tuple[Tensor, list]:
    from mmpretrain.structures import DataSample

    torch.manual_seed(3)
    labels = torch.randint(NUM_CLASSES, (4,))
    return torch.randn(4, 3, size, size), [DataSample().set_gt_label(y) for y in labels]


def randomised(config: dict, seed: int) -> nn.Module:
    """Built with weights that tell every input apart (some heads start at 0)."""
    torch.manual_seed(seed)
    model = build(config).eval()
    for parameter in model.head.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.5)
    return model


def random_teacher(config: dict) -> Teacher:
    return Teacher(full_config(config), init='random')


@pytest.mark.parametrize('name', EVERY)
def test_tapped_logits_are_the_models(name: str) -> None:
    student = randomised(FAMILIES[name][0], 0)
    source = ClassifierLogits()
    assert source.attach(student) == 'softmax'
    teacher = random_teacher(FAMILIES[name][0]).build(student)
    teacher.model.load_state_dict(student.state_dict())
    inputs, samples = batch(224 if name == 'vgg' else 64)
    source.arm()
    student(inputs, samples, mode='loss')
    collected = source.collect(teacher, inputs, samples)
    expected = student(inputs, mode='tensor')
    if name == 'conformer':
        expected = expected[0] + expected[1]
    torch.testing.assert_close(collected.student, expected)
    torch.testing.assert_close(collected.teacher, collected.student)
    assert collected.student.requires_grad and not collected.teacher.requires_grad
    assert collected.target.tolist() == [int(sample.gt_label) for sample in samples]


@pytest.mark.parametrize('name', MAPPED)
def test_regions_are_the_heads_answer_to_each_cell(name: str) -> None:
    """Against slicing the map by hand, cell by cell."""
    student = randomised(FAMILIES[name][0], 0)
    source = ClassifierLogits()
    source.attach(student, with_regions=True)
    teacher = random_teacher(FAMILIES['resnet'][0]).build(student)
    inputs, samples = batch(128)
    source.arm()
    student(inputs, samples, mode='loss')
    ours, theirs = source.collect(teacher, inputs, samples).logits((1, 2, 4))
    assert ours.shape == theirs.shape == (4, NUM_CLASSES, 21)
    for model, regions in ((student, ours), (teacher.model, theirs)):
        feature_map = model.backbone(inputs)[-1]
        cells = [feature_map]
        for grid in (2, 4):
            height, width = feature_map.shape[-2:]
            for i in range(grid):
                for j in range(grid):
                    top, bottom = i * height // grid, -(-(i + 1) * height // grid)
                    left, right = j * width // grid, -(-(j + 1) * width // grid)
                    cells.append(feature_map[:, :, top:bottom, left:right])
        direct = [model.head(model.neck((cell,))) for cell in cells]
        torch.testing.assert_close(regions, torch.stack(direct, dim=2), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(regions[:, :, 0], model(inputs, mode='tensor'))


@pytest.mark.parametrize('name', [p for p in EVERY if not FAMILIES[p.values[0]][1]])
def test_families_without_a_map_are_refused_with_advice(name: str) -> None:
    student = randomised(FAMILIES[name][0], 0)
    with pytest.raises(
        ValueError, match=r'SDD needs a last feature map.*(out_type|gap_before|GlobalAverage)'
    ):
        ClassifierLogits().attach(student, with_regions=True)


@pytest.mark.parametrize('name', MAPPED)
def test_a_training_step_moves_the_student_and_only_its_buffers_once(name: str) -> None:
    """Region cells feed no batch-norm statistics, and dropout leaves region 0 the tapped logits."""
    config = FAMILIES[name][0]
    plain, student = randomised(config, 0).train(), randomised(config, 0).train()
    losses = dict(
        loss_sdd=SDDLoss(base=dict(type='mmlogitkd.KDLoss'), scales=(1, 2)),
        loss_ldrld=LDRLDLoss(depth=3),
    )
    distiller = LogitDistiller(random_teacher(FAMILIES['resnet'][0]), losses)
    distiller.attach(student)
    inputs, samples = batch()
    torch.manual_seed(0)
    plain(inputs, samples, mode='loss')
    torch.manual_seed(0)
    terms = student(inputs, samples, mode='loss')
    assert set(terms) == {'loss_task', 'loss_sdd', 'loss_ldrld'}
    for (key, expected), (_, found) in zip(
        plain.named_buffers(), student.named_buffers(), strict=True
    ):
        assert torch.equal(expected, found), key
    assert all(module.training for module in student.modules())
    sum(terms.values()).backward()
    assert all(p.grad is not None for p in student.head.parameters())


def test_teacher_and_student_of_different_families() -> None:
    student = randomised(FAMILIES['mobilenet_v2'][0], 0)
    distiller = LogitDistiller(random_teacher(FAMILIES['vit'][0]), dict(loss_kd=KDLoss()))
    distiller.attach(student)
    inputs, samples = batch()
    expected = KDLoss()(
        student(inputs, mode='tensor'), distiller.teacher.model(inputs, mode='tensor')
    )
    torch.testing.assert_close(student(inputs, samples, mode='loss')['loss_kd'], expected)


@pytest.mark.parametrize('pooling', ['direct', 'nested'])
def test_sdd_over_the_whole_image_alone_is_its_base(pooling: str) -> None:
    losses = dict(loss_kd=KDLoss(), loss_sdd=SDDLoss(base=KDLoss(), scales=(1,)))
    student = randomised(FAMILIES['resnet'][0], 0)
    source = ClassifierLogits(pooling)
    LogitDistiller(random_teacher(FAMILIES['resnet'][0]), losses, source).attach(student)
    terms = student(*batch(), mode='loss')
    torch.testing.assert_close(terms['loss_sdd'], terms['loss_kd'])


@pytest.mark.parametrize(('size', 'grid'), [(32, 2), (96, 4)])
def test_a_grid_that_does_not_fit_the_map_is_refused(size: int, grid: int) -> None:
    student = randomised(FAMILIES['mobilenet_v2'][0], 0)
    sdd = SDDLoss(base=dict(type='mmlogitkd.KDLoss'), scales=(1, 2, 4))
    distiller = LogitDistiller(random_teacher(FAMILIES['resnet'][0]), dict(loss_sdd=sdd))
    distiller.attach(student)
    side = size // 32
    message = rf'scales=\(1, 2, 4\) ask for a {grid}x{grid} grid.*{side}x{side}: leave out scales'
    with pytest.raises(ValueError, match=message):
        student(*batch(size), mode='loss')


@pytest.mark.parametrize('nested', [False, True])
def test_a_grid_twice_as_fine_as_the_map_repeats_every_position_four_times(nested: bool) -> None:
    from mmlogitkd.logits.regions import pooled_cells

    torch.manual_seed(0)
    small = torch.randn(2, 3, 2, 2)
    cells = pooled_cells(small, (1, 2, 4), nested)
    repeated = small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(cells[:, :, 0], small.mean((2, 3)))
    torch.testing.assert_close(cells[:, :, 1:5], small.flatten(2))
    torch.testing.assert_close(cells[:, :, 5:], repeated.flatten(2))


def test_nested_pooling_is_the_authors() -> None:
    """Equal to direct pooling where the map divides by the grid, another thing at 7x7."""
    from mmlogitkd.logits.regions import pooled_cells

    torch.manual_seed(0)
    even, odd = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 7, 7)
    torch.testing.assert_close(
        pooled_cells(even, (1, 2, 4), nested=True), pooled_cells(even, (1, 2, 4))
    )
    finest = nn.functional.adaptive_avg_pool2d(odd, 4)
    nested = pooled_cells(odd, (1, 2, 4), nested=True)
    torch.testing.assert_close(nested[:, :, 0], finest.mean((2, 3)))
    torch.testing.assert_close(nested[:, :, 1], finest[:, :, :2, :2].mean((2, 3)))
    assert (nested[:, :, 0] - odd.mean((2, 3))).abs().max() > 1e-3


def test_a_multi_label_head_is_a_sigmoid_head() -> None:
    config = classifier_config(4)
    config['head'] = dict(type='MultiLabelLinearClsHead', num_classes=NUM_CLASSES, in_channels=32)
    student = randomised(config, 0)
    distiller = LogitDistiller(random_teacher(config), dict(loss_kd=KDLoss()))
    with pytest.raises(ValueError, match=r"predicts with sigmoid.*activation='softmax'"):
        distiller.attach(student)
    assert not any(module._forward_hooks for module in student.modules())
    stated = LogitDistiller(
        random_teacher(config), dict(loss_kd=KDLoss()), ClassifierLogits(activation='softmax')
    )
    stated.attach(student)
    inputs, samples = batch(16)
    assert student(inputs, samples, mode='loss')['loss_kd'] > 0


def test_labels_follow_the_students_own_loss() -> None:
    """Index labels where nothing mixes them, though the preprocessor made one-hot scores too."""
    inputs = torch.zeros(2, 3, 16, 16)
    from mmpretrain.structures import DataSample

    samples = [
        DataSample().set_gt_label(label).set_gt_score(score)
        for label, score in zip([1, 2], torch.eye(NUM_CLASSES)[[1, 2]], strict=True)
    ]
    for augments, shape in ((None, (2,)), ([dict(type='Mixup', alpha=1.0)], (2, NUM_CLASSES))):
        config = classifier_config(4)
        if augments:
            config['train_cfg'] = dict(augments=augments)
        student = randomised(config, 0)
        source = ClassifierLogits()
        source.attach(student)
        source.arm()
        student(inputs, samples, mode='loss')
        teacher = random_teacher(classifier_config(4)).build(student)
        assert source.collect(teacher, inputs, samples).target.shape == shape


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [(dict(pooling='max'), "pooling='max'"), (dict(activation='relu'), "activation='relu'")],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClassifierLogits(**arguments)


def test_models_that_are_no_classifiers_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r'Linear.*ImageClassifier'):
        ClassifierLogits().attach(nn.Linear(2, 2))
    distiller = LogitDistiller(random_teacher(classifier_config()), dict(loss_kd=KDLoss()))
    with pytest.raises(ValueError, match=r'no source of logits is known for Linear'):
        distiller.attach(nn.Linear(2, 2))
