"""How mmdet's two-stage detectors score boxes, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

__all__ = ['BoxStage', 'activation_of', 'box_stages']

# Methods that the replay stands for, and whose versions of them it knows
_SCORING = {'_bbox_forward': ('StandardRoIHead', 'CascadeRoIHead')}
_TRAINING = {
    'bbox_loss': ('StandardRoIHead', 'CascadeRoIHead', 'DynamicRoIHead'),
    'loss': ('StandardRoIHead', 'CascadeRoIHead', 'DynamicRoIHead'),
}
# Samplers that run the box head themselves, to look for hard examples
_SCORING_SAMPLERS = {'OHEMSampler', 'ScoreHLRSampler'}


@dataclass(frozen=True)
class BoxStage:
    """What turns feature maps and boxes into class scores: one stage of a RoI head.

    Attributes:
        extractor: the ``bbox_roi_extractor``.
        head: the ``bbox_head``.
        shared_head: layers between the two (C4 models), or None.
        loss_weight: what multiplies the stage's loss terms.
    """

    extractor: Any
    head: Any
    shared_head: Any
    loss_weight: float

    def pooled(self, feats: Sequence[Tensor], rois: Tensor) -> Tensor:
        """Pool boxes (N, 5), image index and corners in input pixels, to (N, D, h, w)."""
        return self.extractor(tuple(feats[: self.extractor.num_inputs]), rois)

    def classify(self, pooled: Tensor) -> Tensor:
        """Score pooled features (N, D, h, w): logits (N, C + 1), background last."""
        if self.shared_head is not None:
            pooled = self.shared_head(pooled)
        return self.head(pooled)[0]

    def score(self, feats: Sequence[Tensor], rois: Tensor) -> Tensor:
        """Score boxes (N, 5) on the feature maps: logits (N, C + 1), background last."""
        return self.classify(self.pooled(feats, rois))


def box_stages(detector: Any, role: str) -> list[BoxStage]:
    """Return the stages that score boxes: one, or those of a cascade.

    Args:
        detector: an mmdet two-stage detector.
        role: ``'student'`` or ``'teacher'``; a student must also train its box head in the way that
            the adapter records.

    Raises:
        ValueError: not such a detector, or one whose scores cannot be had from boxes and feature
            maps alone; names what is in the way.
    """
    roi_head: Any = getattr(detector, 'roi_head', None)
    if not hasattr(roi_head, 'bbox_head') or not hasattr(roi_head, 'bbox_roi_extractor'):
        raise ValueError(
            f'the {role} {type(detector).__name__} has no RoI head with a `bbox_head` and a '
            '`bbox_roi_extractor`: RoIHeadLogits lets the teacher score the boxes that the student '
            'sampled, so both must be two-stage detectors (Faster, Mask, Cascade R-CNN)'
        )
    _check_methods(roi_head, role)
    shared = roi_head.shared_head if roi_head.with_shared_head else None
    heads, extractors = roi_head.bbox_head, roi_head.bbox_roi_extractor
    weights: Sequence[float] = [1.0]
    if isinstance(heads, nn.ModuleList):
        weights = roi_head.stage_loss_weights
    else:
        heads, extractors = [heads], [extractors]
    for head in heads:
        _check_head(head, role)
    return [
        BoxStage(extractor, head, shared, float(weight))
        for extractor, head, weight in zip(extractors, heads, weights, strict=True)
    ]


def activation_of(stages: Sequence[BoxStage]) -> str:
    """``'sigmoid'`` or ``'softmax'``, what the stages' task loss trains the logits for."""
    sigmoid = any(getattr(stage.head.loss_cls, 'use_sigmoid', False) for stage in stages)
    return 'sigmoid' if sigmoid else 'softmax'


def _check_methods(roi_head: Any, role: str) -> None:
    """Refuse a RoI head that replaces a method that the replay stands for."""
    for method, known in (_SCORING | (_TRAINING if role == 'student' else {})).items():
        owner = next((c.__name__ for c in type(roi_head).__mro__ if method in vars(c)), None)
        if owner not in known:
            whose = f'brings its own `{method}`' if owner else f'has no `{method}`'
            raise ValueError(
                f"the {role}'s {type(roi_head).__name__} {whose}, so its box scores are not what "
                f'RoIHeadLogits replays. Supported: StandardRoIHead, CascadeRoIHead and heads that '
                f'inherit {sorted(_SCORING | _TRAINING)} from them'
            )
    if role == 'student':
        found = _SCORING_SAMPLERS & set(_names(getattr(roi_head, 'bbox_sampler', None)))
        if found:
            raise ValueError(
                f'the student samples with {sorted(found)}, which run the box head to choose '
                'boxes; its training pass cannot be told from those runs. Use RandomSampler'
            )


def _names(sampler: Any) -> Iterator[str]:
    """Class names of a sampler, of the samplers in a list, and of a combined sampler's parts."""
    if isinstance(sampler, (list, tuple)):
        for part in sampler:
            yield from _names(part)
    elif sampler is not None:
        yield from (base.__name__ for base in type(sampler).__mro__)
        for part in ('pos_sampler', 'neg_sampler'):
            inner = getattr(sampler, part, None)
            if inner is not sampler:
                yield from _names(inner)


def _check_head(head: Any, role: str) -> None:
    """Refuse a box head whose columns are not one logit per class and one for background."""
    name = type(head).__name__
    if not getattr(head, 'with_cls', True):
        raise ValueError(f"the {role}'s {name} has with_cls=False: it gives no class scores")
    if getattr(head, 'custom_activation', False):
        raise ValueError(
            f"the {role}'s {name} is trained with {type(head.loss_cls).__name__}, which has an "
            'activation of its own (`custom_activation`): its columns are not one logit per class '
            "and one for background. Use loss_cls=dict(type='CrossEntropyLoss')"
        )
