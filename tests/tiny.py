"""Small real models, data and configs that the tests share."""

from __future__ import annotations

import copy
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import DATASETS, MODELS, OPTIM_WRAPPERS, DefaultScope
from torch.utils.data import Dataset

NUM_CLASSES = 5
_RUNS = itertools.count()
NORMALISATION = dict(mean=[120.0, 115.0, 105.0], std=[58.0, 57.0, 57.0], to_rgb=False)


def experiment_name(work_dir: Path) -> str:
    """A name of its own for every run: MMEngine keeps one log per name and process."""
    return f'{work_dir.name}-{os.getpid()}-{next(_RUNS)}'


def classifier_config(width: int = 4, num_classes: int = NUM_CLASSES, **extra: Any) -> dict:
    """A real mmpretrain ImageClassifier that takes 16x16 images in a millisecond."""
    preprocessor = dict(
        type='ClsDataPreprocessor',
        num_classes=num_classes,
        **{**NORMALISATION, **extra.pop('data_preprocessor', {})},
    )
    return dict(
        type='ImageClassifier',
        data_preprocessor=preprocessor,
        backbone=dict(
            type='ResNet_CIFAR',
            depth=18,
            stem_channels=width,
            base_channels=width,
            out_indices=(3,),
        ),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(
            type='LinearClsHead',
            num_classes=num_classes,
            in_channels=8 * width,
            loss=dict(type='CrossEntropyLoss'),
        ),
        **extra,
    )


def build(config: dict) -> Any:
    """Build a model of mmpretrain from its config."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(copy.deepcopy(config))


def full_config(model: dict) -> dict:
    """What a teacher's config file would hold."""
    return dict(default_scope='mmpretrain', model=model)


def runner_config(work_dir: Path, epochs: int) -> dict:
    """An MM-style config: 24 images, 3 steps an epoch, no validation."""
    return dict(
        default_scope='mmpretrain',
        model=classifier_config(4),
        train_dataloader=dict(
            batch_size=8,
            num_workers=0,
            collate_fn=dict(type='default_collate'),
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(type='TinyImages', num_classes=NUM_CLASSES, length=24),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9)),
        param_scheduler=dict(type='MultiStepLR', by_epoch=True, milestones=[epochs], gamma=0.1),
        default_hooks=dict(
            timer=dict(type='IterTimerHook'),
            logger=dict(type='LoggerHook', interval=1),
            param_scheduler=dict(type='ParamSchedulerHook'),
            checkpoint=dict(type='CheckpointHook', interval=-1),
            sampler_seed=dict(type='DistSamplerSeedHook'),
        ),
        custom_hooks=[],
        env_cfg=dict(cudnn_benchmark=False, dist_cfg=dict(backend='gloo')),
        visualizer=dict(type='mmengine.Visualizer', vis_backends=[dict(type='LocalVisBackend')]),
        log_processor=dict(window_size=1),
        log_level='WARNING',
        randomness=dict(seed=0, deterministic=True),
        work_dir=str(work_dir),
        experiment_name=experiment_name(work_dir),
    )


@DATASETS.register_module(force=True)
class TinyImages(Dataset):
    """Noise around one colour pattern per class, 16x16, the same at every call.

    Args:
        num_classes: number of classes.
        length: number of images.
        seed: what they are drawn from.
        classes: class names, as MMEngine's datasets give them in ``metainfo``.
    """

    def __init__(
        self, num_classes: int, length: int, seed: int = 0, classes: list[str] | None = None
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        patterns = torch.rand(num_classes, 3, 4, 4, generator=torch.Generator().manual_seed(99))
        self.labels = torch.arange(length) % num_classes
        images = torch.nn.functional.interpolate(patterns[self.labels], size=16)
        noise = torch.rand(images.shape, generator=generator)
        self.images = ((0.6 * images + 0.4 * noise) * 255).to(torch.uint8)
        names = classes or [f'class {i}' for i in range(num_classes)]
        self.metainfo = dict(classes=tuple(names))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict:
        from mmpretrain.structures import DataSample

        sample = DataSample().set_gt_label(self.labels[index].clone())
        sample.set_field((16, 16), 'img_shape', field_type='metainfo')
        return dict(inputs=self.images[index], data_samples=sample)


@OPTIM_WRAPPERS.register_module(force=True)
class CPUAutocastOptimWrapper(OptimWrapper):
    """MMEngine's ``AmpOptimWrapper`` insists on a GPU; this is bfloat16 autocast without one."""

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        with super().optim_context(model), torch.autocast('cpu', torch.bfloat16):
            yield
