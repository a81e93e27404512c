"""Batches that are made before the clock starts, so that no step waits for data."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch.utils.data import Dataset

from ..analysis.family_images import images_with_objects
from ..registry import DATASETS

__all__ = ['PreparedImages']


@DATASETS.register_module()
class PreparedImages(Dataset):
    """Generated images, whole batches of them over and over, the same for every process.

    Args:
        kind: ``'mmpretrain'``, images with one label each, or ``'mmdet'``, images with boxes.
        size: side of a square image in pixels; of a detector's image the longer side.
        images: batch size.
        batches: how many different batches there are.
        steps: length of the data set in batches.
        num_classes: labels of classifiers are below it; those of boxes are below 3.
        seed: what the images are drawn from.
    """

    def __init__(
        self,
        kind: str,
        size: int,
        images: int,
        batches: int,
        steps: int,
        num_classes: int = 3,
        seed: int = 0,
    ) -> None:
        self._length = images * steps
        self._items: list[dict[str, Any]] = []
        for batch in range(batches):
            if kind == 'mmdet':
                made = images_with_objects(size, images, seed + batch)
            else:
                made = _labelled_images(size, images, seed + batch, num_classes)
            pairs = zip(made['inputs'], made['data_samples'], strict=True)
            self._items += [dict(inputs=image, data_samples=sample) for image, sample in pairs]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < self._length:
            raise IndexError(index)
        item = self._items[index % len(self._items)]
        return dict(inputs=item['inputs'], data_samples=copy.deepcopy(item['data_samples']))


def _labelled_images(size: int, images: int, seed: int, num_classes: int) -> dict[str, list]:
    """Noise with a label, as mmpretrain's pipelines hand it to a classifier."""
    from mmpretrain.structures import DataSample

    random = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 256, (images, 3, size, size), generator=random, dtype=torch.uint8)
    labels = torch.randint(0, num_classes, (images,), generator=random)
    samples = []
    for label in labels:
        sample = DataSample().set_gt_label(label)
        sample.set_field((size, size), 'img_shape', field_type='metainfo')
        samples.append(sample)
    return dict(inputs=list(pictures), data_samples=samples)
