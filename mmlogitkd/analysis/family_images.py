"""Generated images with objects, as mmdet's pipelines hand them to a detector."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

__all__ = ['images_with_objects']


def images_with_objects(
    size: int, images: int, seed: int, with_masks: bool = False
) -> dict[str, list]:
    """Return a batch for ``model.train_step``: noise with bright boxes, landscape and portrait.

    Args:
        size: longer side of every image in pixels; the shorter one has three quarters of it.
        images: how many.
        seed: of the content.
        with_masks: also give the masks that some detectors train on.

    Returns:
        ``inputs``, uint8 (3, H, W) each, and ``data_samples`` with two to six boxes each, their
        labels below 3; masks fill the boxes.
    """
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    random = np.random.default_rng(seed)
    batch: dict[str, list[Any]] = dict(inputs=[], data_samples=[])
    for index in range(images):
        height, width = (size * 3 // 4, size) if index % 2 == 0 else (size, size * 3 // 4)
        picture = random.integers(0, 120, (3, height, width), dtype=np.uint8)
        count = int(random.integers(2, 7))
        boxes = _boxes(random, count, height, width)
        masks = np.zeros((count, height, width), dtype=np.uint8)
        for mask, (x1, y1, x2, y2) in zip(masks, boxes.astype(int), strict=True):
            mask[y1:y2, x1:x2] = 1
            picture[int(random.integers(3)), y1:y2, x1:x2] += 120
        sample = DetDataSample(
            metainfo=dict(
                img_shape=(height, width), ori_shape=(height, width), scale_factor=(1.0, 1.0)
            )
        )
        sample.gt_instances = InstanceData(
            bboxes=torch.from_numpy(boxes),
            labels=torch.from_numpy(random.integers(0, 3, count)),
        )
        if with_masks:
            sample.gt_instances.masks = BitmapMasks(masks, height, width)
        sample.ignored_instances = InstanceData(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)
        )
        batch['inputs'].append(torch.from_numpy(picture))
        batch['data_samples'].append(sample)
    return batch


def _boxes(random: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
    """Corners (count, 4) of boxes with sides of an eighth to a half of the image's."""
    sides = random.uniform(0.125, 0.5, (count, 2))
    corners = random.uniform(0, 1, (count, 2)) * (1 - sides)
    boxes = np.concatenate([corners, corners + sides], axis=1)
    return (boxes * (width, height, width, height)).astype(np.float32)
