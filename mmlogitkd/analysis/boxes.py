"""Boxes of an image, and which of them agree with the annotated ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

__all__ = ['IOU', 'Boxes', 'Truth', 'Verdict', 'agreement', 'truth_of']

IOU = 0.5  # from which on two boxes are taken for the same object


class Verdict(IntEnum):
    """What a found box is."""

    WRONG = 0
    RIGHT = 1
    IGNORED = 2


@dataclass(frozen=True)
class Boxes:
    """Boxes of one image.

    Attributes:
        corners: (N, 4): x1, y1, x2, y2 in pixels of the original image.
        labels: (N,): indices of classes.
        scores: (N,): from 0 to 1; None for annotated boxes.
    """

    corners: np.ndarray
    labels: np.ndarray
    scores: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Truth:
    """What is annotated in an image.

    Attributes:
        objects: What is to be found.
        ignored: Regions (COCO's crowds) in which finding their class is neither right nor wrong.
    """

    objects: Boxes
    ignored: Boxes


def truth_of(info: Mapping[str, Any]) -> Truth:
    """Read the annotations from what an mmdet dataset says of an image.

    Args:
        info: What ``dataset.get_data_info(index)`` returns.

    Raises:
        ValueError: The dataset has no annotations.
    """
    if 'instances' not in info:
        raise ValueError(
            f'{info.get("img_path", "the image")} has no annotations to compare with; '
            'take a dataset of mmdet whose ann_file holds boxes'
        )
    objects = [each for each in info['instances'] if not each.get('ignore_flag')]
    ignored = [each for each in info['instances'] if each.get('ignore_flag')]
    return Truth(_boxes(objects), _boxes(ignored))


def _boxes(instances: list[Mapping[str, Any]]) -> Boxes:
    corners = np.array([each['bbox'] for each in instances], dtype=np.float64).reshape(-1, 4)
    return Boxes(corners, np.array([each['bbox_label'] for each in instances], dtype=np.int64))


def agreement(found: Boxes, truth: Truth, threshold: float = IOU) -> np.ndarray:
    """Return what each box is, by the rule of COCO's evaluation.

    Taken by descending score, a box is right if it overlaps an object of its class that no box
    before it has taken; of several it takes the one it overlaps most. A second box on the same
    object is wrong. A box that is not right but lies in an ignored region of its class is ignored.

    Args:
        found: N boxes with scores.
        truth: The image's annotations.
        threshold: Least intersection over union; over the box's own area in an ignored region.

    Returns:
        (N,), values of :class:`Verdict`.

    Raises:
        ValueError: The boxes have no scores.
    """
    if found.scores is None:
        raise ValueError('found boxes need scores: they are matched by descending score')
    area = _area(found.corners)[:, None]
    common = _intersection(found.corners, truth.objects.corners)
    overlap = common / np.maximum(area + _area(truth.objects.corners) - common, 1e-9)
    overlap[found.labels[:, None] != truth.objects.labels] = 0
    inside = _intersection(found.corners, truth.ignored.corners) / np.maximum(area, 1e-9)
    inside[found.labels[:, None] != truth.ignored.labels] = 0

    verdicts = np.where((inside >= threshold).any(axis=1), Verdict.IGNORED, Verdict.WRONG)
    for index in np.argsort(-found.scores, kind='stable'):
        if len(truth.objects) == 0:
            break
        best = overlap[index].argmax()
        if overlap[index, best] >= threshold:
            verdicts[index] = Verdict.RIGHT
            overlap[:, best] = 0
    return verdicts


def _area(corners: np.ndarray) -> np.ndarray:
    return (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])


def _intersection(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the areas that (N, 4) and (M, 4) boxes have in common, (N, M)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    return (high - low).clip(min=0).prod(axis=2)
