"""Small real two-stage detectors: mmdet's own configs, shrunk."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import Tensor, nn

from mmlogitkd.teacher.build import read_config
from tests.tiny import experiment_name

NUM_CLASSES = 3
CLASSES = ('circle', 'square', 'star')
NAMES = dict(
    faster='faster-rcnn_r50_fpn',
    mask='mask-rcnn_r50_fpn',
    cascade='cascade-rcnn_r50_fpn',
    cascade_mask='cascade-mask-rcnn_r50_fpn',
    c4='faster-rcnn_r50-caffe-c4',
)


def detector_config(
    kind: str = 'faster', width: int = 8, num_classes: int = NUM_CLASSES, boxes: int = 24
) -> Config:
    """mmdet's config of ``kind`` with ResNet-18, ``width`` channels, ``boxes`` per image."""
    name = NAMES[kind]
    model = read_config(f'mmdet::_base_/models/{name}.py').model
    model.backbone.update(depth=18, base_channels=width, frozen_stages=-1, init_cfg=None)
    roi_head, train = model.roi_head, model.train_cfg
    channels = 2 * width
    if kind == 'c4':
        # its shared head is ResNet-18's last stage, which has no argument for its width
        model.backbone.base_channels = 64
        model.backbone.style = roi_head.shared_head.style = 'pytorch'
        roi_head.shared_head.update(depth=18, init_cfg=None)
        channels = 256
    else:
        model.neck.update(in_channels=[width, 2 * width, 4 * width, 8 * width])
        model.neck.out_channels = channels
    model.rpn_head.update(in_channels=channels, feat_channels=channels)
    for extractor in listed(roi_head.bbox_roi_extractor) + listed(
        roi_head.get('mask_roi_extractor')
    ):
        extractor.out_channels = channels
    for head in listed(roi_head.bbox_head):
        head.update(num_classes=num_classes, in_channels=channels)
        head.update(dict(in_channels=512) if kind == 'c4' else dict(fc_out_channels=32))
    for head in listed(roi_head.get('mask_head')):
        head.update(num_convs=1, in_channels=channels, conv_out_channels=8)
        head.num_classes = num_classes
    train.rpn_proposal.update(nms_pre=100, max_per_img=40)
    for stage in listed(train.rcnn):
        stage.sampler.num = boxes
    return Config(dict(default_scope='mmdet', model=model))


def listed(part: Any) -> list:
    """A config's part that may be missing, single, or one per stage."""
    return [] if part is None else list(part) if isinstance(part, (list, tuple)) else [part]


def build(config: Config, seed: int = 0) -> Any:
    """Build a detector with box scores that tell boxes apart, in training mode."""
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(copy.deepcopy(config.model))
    for name, parameter in model.named_parameters():
        if 'fc_cls.weight' in name:
            nn.init.normal_(parameter, std=0.5)
    return model.train()


def batch(
    counts: tuple[int, ...] = (2, 3), sizes: tuple[tuple[int, int], ...] = (), seed: int = 0
) -> tuple[Tensor, list]:
    """Noise images with ``counts`` boxes each, padded with zeros to a common multiple of 32.

    ``sizes`` are (height, width) in pixels, 64x64 without it.
    """
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    generator = torch.Generator().manual_seed(seed)
    sizes = sizes or ((64, 64),) * len(counts)
    height, width = (-(-max(side) // 32) * 32 for side in zip(*sizes, strict=True))
    inputs = torch.zeros(len(counts), 3, height, width)
    samples = []
    for image, count, (h, w) in zip(inputs, counts, sizes, strict=True):
        image[:, :h, :w] = torch.randn(3, h, w, generator=generator)
        corner = torch.rand(count, 2, generator=generator) * torch.tensor([w, h]) * 0.5
        side = (0.2 + 0.3 * torch.rand(count, 2, generator=generator)) * torch.tensor([w, h])
        boxes = torch.cat([corner, corner + side], dim=1)
        masks = np.zeros((count, height, width), dtype=np.uint8)
        for mask, (x1, y1, x2, y2) in zip(masks, boxes.int().tolist(), strict=True):
            mask[y1:y2, x1:x2] = 1
        sample = DetDataSample(
            metainfo=dict(
                img_shape=(h, w),
                ori_shape=(h, w),
                pad_shape=(height, width),
                batch_input_shape=(height, width),
                scale_factor=(1.0, 1.0),
            )
        )
        sample.gt_instances = InstanceData(
            bboxes=boxes,
            labels=torch.randint(NUM_CLASSES, (count,), generator=generator),
            masks=BitmapMasks(masks, height, width),
        )
        sample.ignored_instances = InstanceData(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)
        )
        samples.append(sample)
    return inputs, samples


def write_coco(folder: Path, images: int = 6) -> None:
    """Write ``images`` PNG files of 64x48 pixels with one to three boxes each, COCO format."""
    import cv2

    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    files, objects = [], []
    for number in range(images):
        picture = random.integers(0, 60, (48, 64, 3)).astype(np.uint8)
        for _ in range(1 + number % 3):
            category = int(random.integers(NUM_CLASSES))
            x, y, side = (int(value) for value in random.integers((0, 0, 12), (36, 20, 28)))
            picture[y : y + side, x : x + side, category] = 220
            corners = [x, y, x + side, y, x + side, y + side, x, y + side]
            objects.append(
                dict(
                    id=len(objects) + 1,
                    image_id=number,
                    category_id=category + 1,
                    bbox=[x, y, side, side],
                    area=side * side,
                    segmentation=[corners],
                    iscrowd=0,
                )
            )
        files.append(dict(id=number, file_name=f'{number}.png', width=64, height=48))
        cv2.imwrite(str(folder / f'{number}.png'), picture)
    categories = [dict(id=index + 1, name=name) for index, name in enumerate(CLASSES)]
    (folder / 'annotations.json').write_text(
        json.dumps(dict(images=files, annotations=objects, categories=categories))
    )


def runner_config(model: Config, data: Path, work_dir: Path, with_mask: bool = False) -> dict:
    """An MM-style config that trains ``model`` on :func:`write_coco`'s set, 3 steps an epoch."""
    return dict(
        default_scope='mmdet',
        model=model.model,
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(
                type='CocoDataset',
                metainfo=dict(classes=CLASSES),
                ann_file=str(data / 'annotations.json'),
                data_prefix=dict(img=f'{data}/'),
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='LoadAnnotations', with_bbox=True, with_mask=with_mask),
                    dict(type='RandomFlip', prob=0.5),
                    dict(type='PackDetInputs'),
                ],
            ),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
        default_hooks=dict(
            timer=dict(type='IterTimerHook'),
            logger=dict(type='LoggerHook', interval=1),
            param_scheduler=dict(type='ParamSchedulerHook'),
            checkpoint=dict(type='CheckpointHook', interval=1),
            sampler_seed=dict(type='DistSamplerSeedHook'),
        ),
        env_cfg=dict(cudnn_benchmark=False, dist_cfg=dict(backend='gloo')),
        visualizer=dict(type='mmengine.Visualizer', vis_backends=[dict(type='LocalVisBackend')]),
        log_processor=dict(window_size=1),
        log_level='WARNING',
        randomness=dict(seed=0, deterministic=True),
        work_dir=str(work_dir),
        experiment_name=experiment_name(work_dir),
    )


def evaluation(data: Path) -> dict:
    """What a config needs to validate and test on :func:`write_coco`'s set, at twice its size."""
    annotations = str(data / 'annotations.json')
    meta = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
    loader = dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            type='CocoDataset',
            metainfo=dict(classes=CLASSES),
            ann_file=annotations,
            data_prefix=dict(img=f'{data}/'),
            test_mode=True,
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='Resize', scale=(128, 96), keep_ratio=True),
                dict(type='LoadAnnotations', with_bbox=True),
                dict(type='PackDetInputs', meta_keys=meta),
            ],
        ),
    )
    evaluator = dict(type='CocoMetric', ann_file=annotations, metric='bbox')
    return dict(
        val_dataloader=loader,
        val_evaluator=evaluator,
        val_cfg=dict(type='ValLoop'),
        test_dataloader=loader,
        test_evaluator=evaluator,
        test_cfg=dict(type='TestLoop'),
    )
