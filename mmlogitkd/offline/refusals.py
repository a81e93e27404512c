"""What cannot be stored ahead of the training, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

from torch import nn

__all__ = ['refuse_batch_mixing', 'refuse_mixing', 'refuse_student']

# parts of a dataset or pipeline that make one sample out of several
MIXING = (
    *('MultiImageMixDataset', 'Mosaic', 'CachedMosaic', 'MixUp', 'CachedMixUp'),
    *('YOLOXMixUp', 'YOLOv5MixUp', 'CopyPaste', 'CutMix'),
)


def refuse_mixing(dataset: Any) -> None:
    """Refuse datasets and transforms that put several samples into one.

    Args:
        dataset: a config, or a built dataset.

    Raises:
        ValueError: names the part.
    """
    found = sorted({name for name in _types(dataset) if name.rpartition('.')[2] in MIXING})
    if found:
        raise ValueError(
            f'the training set has {", ".join(found)}, which puts several images into one: what '
            'comes out is not a function of one index, so no answer of a teacher can be stored '
            'for it. Remove it, or let the teacher run in the training'
        )


def refuse_batch_mixing(student: nn.Module) -> None:
    """Refuse mixup, cutmix and their like on whole batches.

    Raises:
        ValueError: names the setting.
    """
    if getattr(getattr(student, 'data_preprocessor', None), 'batch_augments', None) is not None:
        raise ValueError(
            'the data preprocessor has batch_augments (mixup, cutmix): it mixes the images of a '
            'batch, which is another one in every epoch, so no answer of a teacher can be stored '
            'for them. Set model.train_cfg.augments=None '
            '(model.data_preprocessor.batch_augments=None), or let the teacher run in the training'
        )


def refuse_student(student: nn.Module) -> None:
    """Refuse models whose rows are not images.

    Raises:
        ValueError: names the head, and what a cache would have to hold.
    """
    head, roi = getattr(student, 'bbox_head', None), getattr(student, 'roi_head', None)
    if roi is not None:
        why = (
            "scores the boxes that the student proposes in that very step; a teacher's answer to "
            'them does not exist before'
        )
    elif hasattr(head, 'num_queries') or hasattr(student, 'num_queries'):
        queries = getattr(student, 'num_queries', None) or head.num_queries  # type: ignore
        why = f'scores {_size(int(queries), head)}, matched with the boxes of that step'
    elif head is not None:
        why = f'scores {_size(_dense_rows(head), head)} on an image of 800x1333'
    else:
        return
    name = type(student).__name__
    raise ValueError(
        f'{name} ({type(roi or head).__name__}) {why}. Logits are cached for classifiers; let the '
        'teacher run in the training (no teacher.cache)'
    )


def _size(rows: int, head: Any) -> str:
    """The size of one image's logits, in words."""
    classes = int(getattr(head, 'cls_out_channels', None) or head.num_classes)
    return f'{rows:,} rows x {classes} classes ({2e-6 * rows * classes:.1f} MB in float16) per view'


def _dense_rows(head: Any) -> int:
    """Positions times anchors of a one-stage head on an 800x1333 image."""
    prior = getattr(head, 'prior_generator', None)
    strides = getattr(prior, 'strides', None) or [(8, 8), (16, 16), (32, 32)]
    pairs = [s if isinstance(s, (tuple, list)) else (s, s) for s in strides]
    anchors = int(getattr(head, 'num_base_priors', 1))
    return sum(ceil(800 / y) * ceil(1333 / x) * anchors for x, y in pairs)


def _types(part: Any) -> Iterator[str]:
    """Type names in a config, or class names in a built dataset."""
    if isinstance(part, Mapping):
        if part.get('type') is not None:
            yield str(getattr(part['type'], '__name__', part['type']))
        for value in part.values():
            yield from _types(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from _types(value)
    elif part is not None and not isinstance(part, (str, int, float)):
        yield type(part).__name__
        for name in ('dataset', 'datasets', 'pipeline', 'transforms'):
            yield from _types(vars(part).get(name) if hasattr(part, '__dict__') else None)
