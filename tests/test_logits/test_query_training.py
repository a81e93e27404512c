"""Query heads in real training: a Runner on a COCO-format set, and two gloo ranks."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from mmengine.config import Config
from mmengine.runner import Runner

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.logits import QueryHeadLogits
from mmlogitkd.losses import KDLoss
from mmlogitkd.teacher import Teacher
from tests.test_logits.detectors import batch, full_config
from tests.test_logits.query_detectors import build_query_detector, query_config
from tests.test_logits.test_dense_training import CLASSES, coco_set, free_port
from tests.tiny import runner_config

BINARY = dict(loss_bckd=dict(type='mmlogitkd.BinaryKDLoss'))


@pytest.mark.parametrize(
    ('name', 'losses', 'logits'),
    [
        ('dino', BINARY, dict(type='mmlogitkd.QueryHeadLogits', layers='all')),
        pytest.param(
            'deformable',
            dict(
                loss_ldrld=dict(type='mmlogitkd.LDRLDLoss', depth=3),
                loss_luminet=dict(type='mmlogitkd.LumiNetLoss', alpha=2.0),
                loss_dkd=dict(type='mmlogitkd.DKDLoss'),
            ),
            dict(type='mmlogitkd.QueryHeadLogits', activation='softmax', rows='foreground'),
            marks=pytest.mark.full,
        ),
        pytest.param(
            'detr', dict(loss_kd=dict(type='mmlogitkd.KDLoss')), None, marks=pytest.mark.full
        ),
    ],
)
def test_a_runner_trains_with_the_hook(
    name: str, losses: dict, logits: dict | None, tmp_path: Path
) -> None:
    """Two steps on real files; the checkpoint is the plain detector's."""
    model = query_config(name)
    teacher = build_query_detector(model, seed=1)
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
    prefixes = ('d0.', 'd1.', '') if name == 'dino' else ('',)
    for key in [prefix + key for prefix in prefixes for key in losses]:
        values = logged[f'train/{key}'].data[0]
        assert len(values) == 2 and np.isfinite(values).all() and values[-1] > 0
    saved = torch.load(tmp_path / 'run' / 'epoch_1.pth', weights_only=False)['state_dict']
    plain = build_query_detector(model)
    plain.load_state_dict(saved, strict=True)
    assert not any(module._forward_hooks for module in runner.model.modules())


# whether the head's config takes the mean of the divisor over the processes
FAMILIES = dict(deformable=True, dino=True, detr=False)


def gradients(name: str, images: slice) -> tuple[list[torch.Tensor], int]:
    """Gradients of the distillation term on some of the two images, and the rows it saw."""
    config = query_config(name)
    student = build_query_detector(config)
    source = QueryHeadLogits(activation='softmax', rows='foreground')
    distiller = LogitDistiller(
        Teacher(full_config(config), init='random'), dict(loss_kd=KDLoss()), source
    )
    distiller.attach(student)
    distiller.teacher.model.load_state_dict(build_query_detector(config, 1).state_dict())
    inputs, samples = batch()
    rows = []
    build = source._batch
    source._batch = lambda *args: rows.append(build(*args)) or rows[-1]  # type: ignore
    student(inputs[images], samples[images], mode='loss')['loss_kd'].backward()
    grads = [
        torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in student.parameters()
    ]
    return grads, len(rows[0].student)


def work(rank: int, port: int, folder: str) -> None:
    """One rank: its image alone, gradients averaged as DDP averages them."""
    torch.set_num_threads(1)
    os.environ.update(
        RANK=str(rank), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port)
    )
    torch.distributed.init_process_group('gloo')
    found: dict[str, Any] = {}
    for name in FAMILIES:
        grads, rows = gradients(name, slice(rank, rank + 1))
        for grad in grads:
            torch.distributed.all_reduce(grad)
            grad /= 2
        found[name] = dict(grads=grads, rows=rows)
    torch.save(found, f'{folder}/{rank}.pth')
    torch.distributed.destroy_process_group()


def test_two_ranks_give_the_gradient_of_one_process(tmp_path: Path) -> None:
    """Each rank has one image, with three objects and with one.

    Where the head's divisor is each rank's own, it is the mean of the gradients of both images.
    """
    mp.spawn(work, args=(free_port(), str(tmp_path)), nprocs=2)
    ranks = [torch.load(tmp_path / f'{rank}.pth', weights_only=False) for rank in (0, 1)]
    for name, shared in FAMILIES.items():
        expected, rows = gradients(name, slice(None))
        if not shared:
            each = zip(*(gradients(name, slice(i, i + 1))[0] for i in (0, 1)), strict=True)
            expected = [(a + b) / 2 for a, b in each]
        first, second = ranks[0][name], ranks[1][name]
        assert (first['rows'], second['rows'], rows) == (3, 1, 4)
        largest = max(float(grad.abs().max()) for grad in expected)
        assert largest > 0
        torch.testing.assert_close(first['grads'], expected, rtol=1e-3, atol=1e-5 * largest)
