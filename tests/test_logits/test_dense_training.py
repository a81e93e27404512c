"""Dense heads in real training: a Runner on a COCO-format set, and two gloo ranks."""

from __future__ import annotations

import copy
import json
import os
import socket
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.runner import Runner

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.logits import DenseHeadLogits
from mmlogitkd.losses import KDLoss
from mmlogitkd.teacher import Teacher
from tests.test_logits.detectors import (
    NUM_CLASSES,
    batch,
    build_detector,
    detector_config,
    full_config,
)
from tests.tiny import runner_config

CLASSES = tuple(f'class {i}' for i in range(NUM_CLASSES))


def coco_set(root: Path) -> dict:
    """Four images of two sizes, one without objects and one with a crowd, as mmdet loads them."""
    generator = np.random.default_rng(0)
    images, annotations = [], []
    for index, (height, width) in enumerate([(96, 128), (128, 96), (96, 128), (128, 96)]):
        picture = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
        images.append(dict(id=index, file_name=f'{index}.png', height=height, width=width))
        for count in range(index):  # none in the first image
            box = [10 + 20 * count, 8 + 10 * count, 30 + 10 * count, 40]
            crowd = int(index == 3 and count == 0)
            x, y, w, h = box
            picture[y : y + h, x : x + w] = 80 * count
            annotations.append(
                dict(
                    id=len(annotations),
                    image_id=index,
                    category_id=count % NUM_CLASSES,
                    bbox=box,
                    area=w * h,
                    iscrowd=crowd,
                    segmentation=[],
                )
            )
        cv2.imwrite(str(root / f'{index}.png'), picture)
    categories = [dict(id=i, name=name) for i, name in enumerate(CLASSES)]
    entries = dict(images=images, annotations=annotations, categories=categories)
    (root / 'train.json').write_text(json.dumps(entries))
    return dict(
        type='CocoDataset',
        data_root=str(root),
        ann_file='train.json',
        data_prefix=dict(img=''),
        metainfo=dict(classes=CLASSES),
        filter_cfg=dict(filter_empty_gt=False),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(type='Resize', scale=(128, 128), keep_ratio=True),
            dict(type='PackDetInputs'),
        ],
    )


@pytest.mark.parametrize(
    ('name', 'losses', 'logits'),
    [
        (
            'atss',
            dict(loss_kd=dict(type='mmlogitkd.BinaryKDLoss')),
            None,
        ),
        pytest.param(
            'tood',
            dict(
                loss_ldrld=dict(type='mmlogitkd.LDRLDLoss', depth=3),
                loss_luminet=dict(type='mmlogitkd.LumiNetLoss', alpha=2.0),
                loss_dkd=dict(type='mmlogitkd.DKDLoss'),
            ),
            dict(type='mmlogitkd.DenseHeadLogits', activation='softmax', rows='foreground'),
            marks=pytest.mark.full,
        ),
        pytest.param(
            'yolox',
            dict(loss_kd=dict(type='mmlogitkd.BinaryKDLoss')),
            None,
            marks=pytest.mark.full,
        ),
    ],
)
def test_a_runner_trains_with_the_hook(
    name: str, losses: dict, logits: dict | None, tmp_path: Path
) -> None:
    """Two steps on real files; the checkpoint is the plain detector's."""
    model = detector_config(name)
    teacher = build_detector(model, seed=1)
    meta = dict(dataset_meta=dict(classes=CLASSES[::-1]))  # to be matched by name
    torch.save(dict(meta=meta, state_dict=teacher.state_dict()), tmp_path / 'teacher.pth')
    config = runner_config(tmp_path / 'run', epochs=1)
    config.update(
        default_scope='mmdet',
        model=model,
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=coco_set(tmp_path),
        ),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.001)),
    )
    config['default_hooks'].update(
        checkpoint=dict(type='CheckpointHook', interval=1),
        distill=dict(
            type='mmlogitkd.LogitDistillHook',
            teacher=dict(config=full_config(model), checkpoint=str(tmp_path / 'teacher.pth')),
            losses=losses,
            logits=logits,
        ),
    )
    runner = Runner.from_cfg(Config(copy.deepcopy(config)))
    runner.train()
    logged = runner.message_hub.log_scalars
    for key in losses:
        values = logged[f'train/{key}'].data[0]
        assert len(values) == 2 and np.isfinite(values).all() and values[-1] > 0
    saved = torch.load(tmp_path / 'run' / 'epoch_1.pth', weights_only=False)['state_dict']
    plain = build_detector(model)
    plain.load_state_dict(saved, strict=True)
    assert not any(module._forward_hooks for module in runner.model.modules())


MEAN_OVER_RANKS = [
    ('fcos', 'gfl', 'rtmdet', 'yolox'),
    pytest.param(('atss', 'vfnet', 'tood'), marks=pytest.mark.full),
]
EACH_ITS_OWN = ('retinanet', 'paa')


def gradients(name: str, images: slice) -> tuple[list[torch.Tensor], float]:
    """Gradients of the distillation term on some of the two images, and the rows it saw."""
    MessageHub.get_current_instance().update_info('epoch', 0)  # TOOD asks for it
    config = detector_config(name)
    student = build_detector(config)
    source = DenseHeadLogits(activation='softmax', rows='foreground')
    distiller = LogitDistiller(
        Teacher(full_config(config), init='random'), dict(loss_kd=KDLoss()), source
    )
    distiller.attach(student)
    distiller.teacher.model.load_state_dict(build_detector(config, 1).state_dict())
    inputs, samples = batch()
    rows = []
    build = source._batch
    source._batch = lambda *args: rows.append(build(*args)) or rows[-1]  # type: ignore
    student(inputs[images], samples[images], mode='loss')['loss_kd'].backward()
    grads = [
        torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in student.parameters()
    ]
    return grads, len(rows[0].student)


def work(rank: int, port: int, folder: str, names: tuple[str, ...]) -> None:
    """One rank: its image alone, gradients averaged as DDP averages them."""
    torch.set_num_threads(1)
    os.environ.update(
        RANK=str(rank), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port)
    )
    torch.distributed.init_process_group('gloo')
    found: dict[str, Any] = {}
    for name in names:
        grads, rows = gradients(name, slice(rank, rank + 1))
        for grad in grads:
            torch.distributed.all_reduce(grad)
            grad /= 2
        found[name] = dict(grads=grads, rows=rows)
    torch.save(found, f'{folder}/{rank}.pth')
    torch.distributed.destroy_process_group()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def two_ranks(folder: Path, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """What both ranks found, image 0 on the first and image 1 on the second."""
    mp.spawn(work, args=(free_port(), str(folder), names), nprocs=2)
    return [torch.load(folder / f'{rank}.pth', weights_only=False) for rank in (0, 1)]


@pytest.mark.parametrize('names', MEAN_OVER_RANKS, ids='-'.join)
def test_two_ranks_give_the_gradient_of_one_process(names: tuple[str, ...], tmp_path: Path) -> None:
    """Each rank has one image, with unequal numbers of foreground rows."""
    ranks = two_ranks(tmp_path, names)
    for name in names:
        expected, rows = gradients(name, slice(None))
        first, second = ranks[0][name], ranks[1][name]
        assert first['rows'] + second['rows'] == rows and first['rows'] != second['rows']
        assert max(grad.abs().max() for grad in expected) > 0
        torch.testing.assert_close(first['grads'], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.full
def test_heads_that_divide_on_each_rank_average_the_ranks_means(tmp_path: Path) -> None:
    """As the task losses of RetinaNet and PAA do; it is not the gradient of one process."""
    ranks = two_ranks(tmp_path, EACH_ITS_OWN)
    for name in EACH_ITS_OWN:
        alone = [gradients(name, slice(rank, rank + 1))[0] for rank in (0, 1)]
        together = gradients(name, slice(None))[0]
        expected = [(first + second) / 2 for first, second in zip(*alone, strict=True)]
        assert ranks[0][name]['rows'] != ranks[1][name]['rows']
        torch.testing.assert_close(ranks[0][name]['grads'], expected, rtol=1e-4, atol=1e-6)
        largest = max(grad.abs().max() for grad in together)
        assert max(
            (grad - mean).abs().max() for grad, mean in zip(together, expected, strict=True)
        ) > (0.01 * largest)
