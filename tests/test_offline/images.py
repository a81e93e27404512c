"""A small training set whose pipeline draws random numbers, and configs over it."""

from __future__ import annotations

import copy
import random
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, TRANSFORMS

from tests.tiny import NUM_CLASSES, TinyImages, classifier_config, full_config, runner_config

LENGTH = 20
PIPELINE = [
    dict(type='RandomCrop', crop_size=16, padding=2),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='EveryGenerator'),
    dict(type='PackInputs'),
]
SDD = dict(type='mmlogitkd.SDDLoss', base=dict(type='mmlogitkd.KDLoss'), scales=(1, 2))
LOSSES = dict(loss_kd=dict(type='mmlogitkd.KDLoss'), loss_sdd=SDD)


@DATASETS.register_module(force=True)
class AugmentedImages(BaseDataset):
    """The images of TinyImages in front of a pipeline, with a list that has a path in it."""

    METAINFO: ClassVar[dict] = dict(classes=tuple(f'class {i}' for i in range(NUM_CLASSES)))

    def __init__(self, length: int = LENGTH, root: str = 'here', **kwargs: Any) -> None:
        self.length, self.root = length, root
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        images = TinyImages(NUM_CLASSES, self.length)
        return [
            dict(
                img=image.permute(1, 2, 0).numpy(),
                gt_label=int(label),
                img_path=f'{self.root}/train/{index}.png',
            )
            for index, (image, label) in enumerate(zip(images.images, images.labels, strict=True))
        ]


@TRANSFORMS.register_module(force=True)
class EveryGenerator(BaseTransform):
    """Brightness from Python's, numpy's and torch's random numbers.

    Args:
        own: use a generator of its own, which nothing outside can seed.
    """

    def __init__(self, own: bool = False) -> None:
        self.generator = np.random.default_rng() if own else None

    def transform(self, results: dict) -> dict:
        shift = random.randint(0, 20) + np.random.randint(20) + int(torch.randint(20, ()))
        if self.generator is not None:
            shift += int(self.generator.integers(1000)) % 97
        results['img'] = (results['img'].astype(int) + shift).clip(0, 255).astype(np.uint8)
        results['img_shape'] = results['img'].shape[:2]
        return results


@TRANSFORMS.register_module(force=True)
class Wait(BaseTransform):
    """Take some time over every image, so that a program can be interrupted."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def transform(self, results: dict) -> dict:
        time.sleep(self.seconds)
        return results


def dataset_config(**overrides: Any) -> dict:
    """Config of the plain training set."""
    return dict(type='AugmentedImages', pipeline=[dict(step) for step in PIPELINE]) | overrides


def distillation(work_dir: Path, teacher: Path, epochs: int = 2, **overrides: Any) -> Config:
    """A distillation of a tiny classifier with KD and SDD, 20 images in batches of 4."""
    config = runner_config(work_dir, epochs)
    config['custom_imports'] = dict(imports=['tests.test_offline.images'])
    config['train_dataloader'].update(batch_size=4, dataset=dataset_config())
    config['default_hooks']['checkpoint'] = dict(type='CheckpointHook', interval=1)
    config['default_hooks']['distill'] = dict(
        type='mmlogitkd.LogitDistillHook',
        teacher=dict(config=full_config(classifier_config(6)), checkpoint=str(teacher)),
        losses=LOSSES,
    )
    config = Config(config)
    config.merge_from_dict(copy.deepcopy(overrides))
    return config
