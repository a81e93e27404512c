"""Which detectors of mmdet's DETR family give their queries in a form that is known here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

__all__ = ['check_student', 'check_teacher', 'decoder_layers', 'is_query_detector']

# By the class that defines the method. All return class scores and boxes of every layer first.
_SCORING = dict(forward=('DETRHead', 'ConditionalDETRHead', 'DABDETRHead', 'DeformableDETRHead'))
# All call `loss_cls` once per decoder layer, in order and before any other use of it, with every
# matching query; DINO's head leaves its denoising queries out of these calls.
_TRAINING = dict(
    loss=('DETRHead', 'ConditionalDETRHead', 'DeformableDETRHead', 'DINOHead'),
    loss_by_feat=('DETRHead', 'DeformableDETRHead', 'DINOHead'),
    loss_by_feat_single=('DETRHead',),
    get_targets=('DETRHead',),
    _get_targets_single=('DETRHead',),
)
_SUPPORTED = 'DETR, Conditional DETR, DAB-DETR, Deformable DETR and DINO'
_REASONS = dict(
    DDQDETRHead='in every layer it counts only the queries that are distinct by then, a different '
    'number in each image, and trains a dense set of queries beside them',
    GroundingDINOHead='its columns are the tokens of a text, not classes',
)


def is_query_detector(model: nn.Module) -> bool:
    """Whether ``model`` is built like mmdet's ``DetectionTransformer`` with a ``bbox_head``."""
    head = getattr(model, 'bbox_head', None)
    return isinstance(head, nn.Module) and callable(getattr(model, 'forward_transformer', None))


def check_student(model: Any) -> None:
    """Refuse a student whose rows, labels and divisor could not be told.

    Raises:
        ValueError: names the head and what is in the way.
    """
    _check(model, 'student', _SCORING | _TRAINING)
    assigner = getattr(model.bbox_head, 'assigner', None)
    if 'HungarianAssigner' not in {base.__name__ for base in type(assigner).__mro__}:
        raise ValueError(
            f"the student's queries are assigned by {type(assigner).__name__}; queries are matched "
            'with the assigner of its train_cfg, which must be a HungarianAssigner'
        )


def check_teacher(model: Any) -> None:
    """Refuse a teacher whose head does not give class scores and boxes of its queries.

    Raises:
        ValueError: names the model and what is in the way.
    """
    _check(model, 'teacher', _SCORING)


def decoder_layers(model: Any) -> int:
    """How many layers the head scores: all of the decoder, or the last if it keeps no others."""
    decoder = model.decoder
    return decoder.num_layers if getattr(decoder, 'return_intermediate', True) else 1


def _check(model: Any, role: str, methods: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse heads that replace a method whose versions are known."""
    if not is_query_detector(model):
        raise ValueError(
            f'the {role} {type(model).__name__} is no detector with queries (a `bbox_head` module '
            f'and `forward_transformer`), which QueryHeadLogits matches. Supported: {_SUPPORTED}'
        )
    bases = type(model.bbox_head).__mro__
    for method, known in methods.items():
        owner = next((base.__name__ for base in bases if method in vars(base)), None)
        if owner not in known:
            whose = f'brings its own `{method}`' if owner else f'has no `{method}`'
            reasons = [_REASONS[base.__name__] for base in bases if base.__name__ in _REASONS]
            raise ValueError(
                f"the {role}'s {type(model.bbox_head).__name__} {whose}: "
                f'{reasons[0] if reasons else "which rows it counts is not known here"}. '
                f'Supported: {_SUPPORTED}, and heads that inherit {sorted(methods)} from theirs'
            )
