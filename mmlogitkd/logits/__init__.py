"""Where logits come from: one adapter per family of models."""

from torch import nn

from .batch import LogitBatch
from .classifier import ClassifierLogits
from .roi_head import RoIHeadLogits
from .source import LogitSource
from .tap import Call, Tap

__all__ = [
    'Call',
    'ClassifierLogits',
    'LogitBatch',
    'LogitSource',
    'RoIHeadLogits',
    'Tap',
    'infer_logits',
]


def infer_logits(student: nn.Module) -> LogitSource:
    """Choose the adapter for ``student`` from its structure.

    Raises:
        ValueError: no adapter fits.
    """
    if ClassifierLogits.fits(student):
        return ClassifierLogits()
    if RoIHeadLogits.fits(student):
        return RoIHeadLogits()
    parts = [name for name, _ in student.named_children()]
    raise ValueError(
        f'no source of logits is known for {type(student).__name__} (parts: {parts}). Supported: '
        'mmpretrain ImageClassifier with a head; mmdet two-stage detectors with a box RoI head '
        '(Faster, Mask, Cascade R-CNN); name another with logits=dict(type=...)'
    )
