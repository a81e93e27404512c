"""Where logits come from: one adapter per family of models."""

from torch import nn

from .batch import LogitBatch
from .classifier import ClassifierLogits
from .tap import Tap

__all__ = ['ClassifierLogits', 'LogitBatch', 'Tap', 'infer_logits']


def infer_logits(student: nn.Module) -> ClassifierLogits:
    """Choose the adapter for ``student`` from its structure.

    Raises:
        ValueError: no adapter fits.
    """
    if ClassifierLogits.fits(student):
        return ClassifierLogits()
    parts = [name for name, _ in student.named_children()]
    raise ValueError(
        f'no source of logits is known for {type(student).__name__} (parts: {parts}). Supported: '
        'mmpretrain ImageClassifier with a head; name another with logits=dict(type=...)'
    )
