"""How long one answer of a teacher takes, with every switch of its fast path by itself and all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from ..logits.roi_stages import box_stages
from ..teacher import Teacher
from ..teacher.nested import difference
from .report import Column, Report
from .timing import interleaved, ratio

__all__ = ['CASES', 'VARIANTS', 'TeacherCase', 'measure', 'teacher_report']

_BOXES = 512  # sampled per image, as mmdet's configs of two-stage detectors do

_CIFAR = dict(
    default_scope='mmpretrain',
    model=dict(
        type='ImageClassifier',
        backbone=dict(type='mmlogitkd.CIFARResNet', depth=32, channels=(32, 64, 128, 256)),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=100, in_channels=256),
    ),
)


@dataclass(frozen=True)
class TeacherCase:
    """A teacher and the batch that it is asked about.

    Attributes:
        name: What it is called.
        config: Of the model.
        shape: Of the images (N, channels, H, W).
    """

    name: str
    config: str | Mapping[str, Any]
    shape: tuple[int, int, int, int]


_RETINA = 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'
_FASTER = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
CASES = (
    TeacherCase('ResNet34', 'mmpretrain::resnet/resnet34_8xb32_in1k.py', (8, 3, 224, 224)),
    TeacherCase('ResNet32x4', _CIFAR, (64, 3, 32, 32)),
    TeacherCase('RetinaNet-R50', _RETINA, (2, 3, 320, 320)),
    TeacherCase('RetinaNet-R50', _RETINA, (2, 3, 640, 640)),
    TeacherCase('Faster-R50', _FASTER, (2, 3, 320, 320)),
    TeacherCase('Faster-R50', _FASTER, (2, 3, 640, 640)),
)


def _only(name: str) -> dict[str, bool]:
    switches = ('fuse', 'channels_last', 'inference_mode', 'skip_unused')
    return {switch: switch == name for switch in switches}


VARIANTS: dict[str, bool | dict[str, Any]] = {
    'off': False,
    'fuse': _only('fuse'),
    'skip_unused': _only('skip_unused'),
    'channels_last': _only('channels_last'),
    'inference_mode': _only('inference_mode'),
    'default': True,
    'bfloat16': dict(precision='bfloat16'),
    'compile': dict(compile=True),
}


def measure(
    case: TeacherCase, variants: Sequence[str], rounds: int, device: torch.device | str
) -> list[dict[str, Any]]:
    """Time the variants side by side.

    Args:
        case: What to ask.
        variants: Keys of :data:`VARIANTS`; ``'off'``, which the others are compared with, is
            always timed.
        rounds: How often.
        device: Where.

    Returns:
        One row per variant: ``milliseconds``, ``share`` of the time without the fast path,
        ``difference`` of the answer from the plain one, relative to its largest magnitude, and
        ``report``, what the fast path said.
    """
    torch.manual_seed(0)
    inputs = torch.randn(case.shape, device=device)
    like = nn.Linear(1, 1, device=device)  # a student's part: it says where
    forward = _forward_of(case, device)
    teachers: dict[str, Teacher] = {}
    for name in dict.fromkeys(('off', *variants)):
        teachers[name] = Teacher(
            case.config, init='random', preprocess='same', fast=VARIANTS[name]
        ).build(like)
        teachers[name].model.load_state_dict(teachers['off'].model.state_dict())
    answers = {name: teacher.score(forward, inputs) for name, teacher in teachers.items()}
    works = {name: partial(teacher.score, forward, inputs) for name, teacher in teachers.items()}
    times = interleaved(works, rounds=rounds, warm_up=1, device=device)
    return [
        dict(
            case=case.name,
            images='x'.join(map(str, case.shape)),
            variant=name,
            milliseconds=median(times[name]) * 1e3,
            share=ratio(times, name, 'off'),
            difference=difference(answers['off'], answers[name]),
            report=teachers[name].fast_report,
        )
        for name in teachers
    ]


def teacher_report(settings: dict[str, Any]) -> Report:
    """Return an empty report with the table's columns."""
    columns = [
        Column('teacher', lambda row: row['case'], number=False),
        Column('images', lambda row: row['images'], number=False),
        Column('fast', lambda row: row['variant'], number=False),
        Column('ms', lambda row: f'{row["milliseconds"]:.1f}'),
        Column('of off', lambda row: f'{row["share"]:.2f}'),
        Column('difference', lambda row: f'{row["difference"]:.0e}'),
    ]
    return Report('One answer of the teacher', settings, columns)


def _forward_of(case: TeacherCase, device: torch.device | str) -> Callable[[Any, Tensor], Any]:
    """What the source of logits of such a model asks it."""
    images, _, height, width = case.shape
    corners = torch.rand(images * _BOXES, 2, 2, device=device).sort(dim=1).values
    corners = corners * torch.tensor([width, height], device=device)  # (boxes, 2 corners, x and y)
    index = torch.arange(images, device=device).repeat_interleave(_BOXES).unsqueeze(1)
    rois = torch.cat([index, corners.flatten(1)], dim=1)  # (boxes, 5)

    def forward(model: Any, inputs: Tensor) -> Any:
        if hasattr(model, 'roi_head'):
            feats = [level.contiguous() for level in model.extract_feat(inputs)]
            return [stage.score(feats, rois) for stage in box_stages(model, 'teacher')]
        if hasattr(model, 'bbox_head'):
            return model.bbox_head(model.extract_feat(inputs))[0]
        return model(inputs, mode='tensor')

    return forward
