"""Where logits come from: one adapter per family of models."""

from torch import nn

from .batch import LogitBatch
from .classifier import ClassifierLogits
from .dense_head import DenseHeadLogits
from .query_head import QueryHeadLogits
from .roi_head import RoIHeadLogits
from .source import LogitSource
from .tap import Call, Tap

__all__ = [
    'Call',
    'ClassifierLogits',
    'DenseHeadLogits',
    'LogitBatch',
    'LogitSource',
    'QueryHeadLogits',
    'RoIHeadLogits',
    'Tap',
    'infer_logits',
]


def infer_logits(student: nn.Module) -> LogitSource:
    """Choose the adapter for ``student`` from its structure.

    Raises:
        ValueError: no adapter fits.
    """
    for source in (ClassifierLogits, RoIHeadLogits, QueryHeadLogits, DenseHeadLogits):
        if source.fits(student):
            return source()
    parts = [name for name, _ in student.named_children()]
    raise ValueError(
        f'no source of logits is known for {type(student).__name__} (parts: {parts}). Supported: '
        'mmpretrain ImageClassifier with a head; mmdet two-stage detectors with a box RoI head '
        '(Faster, Mask, Cascade R-CNN); mmdet one-stage detectors with a dense bbox_head '
        '(RetinaNet, FCOS, ATSS, GFL, VFNet, PAA, TOOD, RTMDet, YOLOX); mmdet detectors with '
        'queries (DETR, Conditional, DAB, Deformable DETR, DINO). A subclass or a model built '
        'alike can name one with logits=dict(type=...)'
    )
