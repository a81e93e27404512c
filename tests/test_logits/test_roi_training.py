"""Two-stage detectors in a real Runner, and on two ranks."""

from __future__ import annotations

import copy
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp

pytest.importorskip('mmdet')

from mmengine.config import Config
from mmengine.runner import Runner

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.losses import DKDLoss
from mmlogitkd.teacher import Teacher
from tests.tiny_two_stage import (
    CLASSES,
    batch,
    build,
    detector_config,
    runner_config,
    write_coco,
)

LOSSES: dict[str, dict] = dict(
    loss_dkd=dict(type='mmlogitkd.DKDLoss', beta=0.25, temperature=1.0),
    loss_ldrld=dict(type='mmlogitkd.LDRLDLoss', depth=3),
    loss_luminet=dict(type='mmlogitkd.LumiNetLoss', alpha=2.0),
    loss_sdd=dict(type='mmlogitkd.SDDLoss', base=dict(type='mmlogitkd.KDLoss'), scales=(1, 2)),
)


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('coco') / 'set'
    write_coco(folder)
    return folder


def train(config: dict) -> dict:
    """Train, and return the weights of the checkpoint."""
    Runner.from_cfg(Config(copy.deepcopy(config))).train()
    path = Path(config['work_dir']) / 'epoch_1.pth'
    return torch.load(path, weights_only=False)['state_dict']


def distill(teacher: Config, checkpoint: Path, **overrides: Any) -> dict:
    torch.save(
        dict(
            meta=dict(dataset_meta=dict(classes=CLASSES)), state_dict=build(teacher, 1).state_dict()
        ),
        checkpoint,
    )
    hook = dict(
        type='mmlogitkd.LogitDistillHook',
        teacher=dict(config=teacher, checkpoint=str(checkpoint)),
        losses=LOSSES,
    )
    return hook | overrides


@pytest.mark.parametrize(
    ('student', 'teacher'),
    [('mask', 'faster'), pytest.param('cascade', 'cascade', marks=pytest.mark.full)],
)
def test_a_runner_trains_a_plain_checkpoint(
    student: str, teacher: str, data: Path, tmp_path: Path
) -> None:
    """Weighted 0, bit for bit the plain run's; weighted, another one with the same entries."""
    model = detector_config(student)
    weights = {}
    for name, scale in (('plain', None), ('silent', 0.0), ('distilled', 1.0)):
        config = runner_config(model, data, tmp_path / name, with_mask='mask' in student)
        if scale is not None:
            losses = {key: loss | dict(loss_weight=scale) for key, loss in LOSSES.items()}
            hook = distill(detector_config(teacher, 12), tmp_path / 'teacher.pth', losses=losses)
            config['default_hooks']['distill'] = hook
        weights[name] = train(config)
    plain, silent, distilled = weights.values()
    assert plain.keys() == silent.keys() == distilled.keys()
    assert all(torch.equal(plain[key], silent[key]) for key in plain)
    assert not torch.equal(plain['backbone.conv1.weight'], distilled['backbone.conv1.weight'])
    build(model).load_state_dict(distilled, strict=True)
    scalars = next((tmp_path / 'distilled').rglob('scalars.json')).read_text().splitlines()
    logged = [json.loads(line) for line in scalars]
    prefixes = ('s0.', 's1.', 's2.') if student == 'cascade' else ('',)
    for entry in logged:
        for prefix in prefixes:
            assert all(entry[f'{prefix}{key}'] >= 0 for key in LOSSES)
        terms = [v for k, v in entry.items() if 'loss' in k and k != 'loss']
        assert entry['loss'] == pytest.approx(sum(terms), rel=1e-4)
    assert len(logged) == 3


def deterministic(add_gt: bool) -> Config:
    """Every proposal is sampled, so that nothing is drawn; 20 of an image, and its objects."""
    config = detector_config(boxes=1000)
    config.model.train_cfg.rpn_proposal.update(
        max_per_img=20, nms=dict(type='nms', iou_threshold=1)
    )
    config.model.train_cfg.rcnn.assigner.update(pos_iou_thr=0.2, neg_iou_thr=0.2, min_pos_iou=0.2)
    config.model.train_cfg.rcnn.sampler.update(pos_fraction=1.0, add_gt_as_proposals=add_gt)
    return config


def gradient(add_gt: bool, images: list[int], wrap: Any = None) -> tuple[torch.Tensor, int, int]:
    """Gradient of the distillation term on some of two images; rows; foreground rows."""
    torch.set_num_threads(1)
    student = build(deterministic(add_gt))
    teacher = Teacher(detector_config(width=12), init='random')
    distiller = LogitDistiller(teacher, dict(loss_dkd=DKDLoss()))
    torch.manual_seed(5)  # of the teacher's weights
    distiller.attach(student)
    rows: list[Any] = []
    student.roi_head.bbox_head.loss_cls.register_forward_hook(
        lambda _, args, __: rows.append(args[1])
    )
    inputs, samples = batch((1, 4), seed=2)
    model = student if wrap is None else wrap(student)
    picked = [samples[i] for i in images]
    model(inputs[images], picked, mode='loss')['loss_dkd'].backward()
    gradients = [p.grad.flatten() for p in student.parameters() if p.grad is not None]
    return torch.cat(gradients), len(rows[0]), int((rows[0] < len(CLASSES)).sum())


def work(rank: int, port: int, folder: str) -> None:
    """One rank, with one of the two images."""
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    torch.distributed.init_process_group('gloo', rank=rank, world_size=2)

    def wrap(model: Any) -> Any:
        # the RPN is in no term that is differentiated here
        return torch.nn.parallel.DistributedDataParallel(model, find_unused_parameters=True)

    for add_gt in (False, True):
        found = gradient(add_gt, [rank], wrap)
        torch.save(found, Path(folder) / f'{add_gt}-{rank}.pt')
    torch.distributed.destroy_process_group()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def test_two_ranks(tmp_path: Path) -> None:
    """As many boxes on both: the gradient of one process. Unequal: the mean of both ranks' means.

    mmdet divides a RoI head's loss by the boxes of the rank, so the second is what its task loss
    does too. Foreground is unequal in both cases.
    """
    mp.spawn(work, args=(free_port(), str(tmp_path)), nprocs=2)
    for add_gt in (False, True):
        ranks = [torch.load(tmp_path / f'{add_gt}-{rank}.pt') for rank in (0, 1)]
        (first, one, few), (second, other, many) = ranks
        alone = [gradient(add_gt, [rank])[0] for rank in (0, 1)]
        both, together, _ = gradient(add_gt, [0, 1])
        assert 0 < few < many and together == one + other and both.abs().max() > 0.1
        torch.testing.assert_close(first, second)
        torch.testing.assert_close(first, (alone[0] + alone[1]) / 2, rtol=1e-3, atol=1e-5)
        weighted = (one * alone[0] + other * alone[1]) / together
        torch.testing.assert_close(both, weighted, rtol=1e-3, atol=1e-5)
        assert (one == other) is not add_gt
        if not add_gt:
            torch.testing.assert_close(first, both, rtol=1e-3, atol=1e-5)
