"""Two real gloo processes: DDP without find_unused_parameters, gradients of one process."""

from __future__ import annotations

import copy
import os
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp
from mmengine.config import Config
from mmengine.runner import Runner

from tests.tiny import classifier_config, full_config, runner_config

LOSSES: dict[str, dict] = dict(
    loss_kd=dict(type='mmlogitkd.KDLoss'),
    loss_ldrld=dict(type='mmlogitkd.LDRLDLoss', depth=3),
    loss_sdd=dict(type='mmlogitkd.SDDLoss', base=dict(type='mmlogitkd.DKDLoss'), scales=(1, 2)),
    loss_luminet=dict(type='mmlogitkd.LumiNetLoss', alpha=2.0, sync_stats=True),
)


def configured(work_dir: Path, teacher: str, batch: int, **overrides: Any) -> dict:
    config = runner_config(work_dir, epochs=1)
    config['model']['backbone']['norm_cfg'] = dict(type='GN', num_groups=2)
    config['train_dataloader'].update(
        batch_size=batch, sampler=dict(type='DefaultSampler', shuffle=False)
    )
    config['optim_wrapper'] = dict(optimizer=dict(type='SGD', lr=0.05))
    config['default_hooks']['checkpoint'] = dict(type='CheckpointHook', interval=1)
    config['default_hooks']['distill'] = dict(
        type='mmlogitkd.LogitDistillHook',
        teacher=dict(config=full_config(classifier_config(6)), checkpoint=teacher),
        losses=LOSSES,
    )
    return config | overrides


def work(rank: int, port: int, config: dict, backend: str) -> None:
    """One rank of a two-process run, as `torchrun` would start it."""
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE='2',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
    )
    if backend == 'nccl':
        config['env_cfg']['dist_cfg']['backend'] = backend
        return train(config | dict(launcher='pytorch'))
    # MMEngine itself sets a CUDA device when it starts a group, and DDP would ask for one
    torch.distributed.init_process_group(backend)
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, find_unused_parameters=False)
    train(config | dict(launcher='pytorch', model_wrapper_cfg=wrapper))
    torch.distributed.destroy_process_group()


def train(config: dict) -> None:
    torch.set_num_threads(1)
    Runner.from_cfg(Config(copy.deepcopy(config))).train()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    'backend',
    [
        'gloo',
        pytest.param(
            'nccl',
            marks=pytest.mark.skipif(
                torch.cuda.device_count() < 2, reason='nccl needs one CUDA device per rank'
            ),
        ),
    ],
)
def test_two_ranks_train_what_one_process_trains(
    tmp_path: Path, teacher_file: Path, backend: str
) -> None:
    """Three steps; the sampler gives each rank every second image of the same batches."""
    alone = configured(tmp_path / 'alone', str(teacher_file), batch=8)
    train(alone)
    both = configured(tmp_path / 'both', str(teacher_file), batch=4)
    mp.spawn(work, args=(free_port(), both, backend), nprocs=2)
    expected, found = (
        torch.load(tmp_path / name / 'epoch_1.pth', weights_only=False)['state_dict']
        for name in ('alone', 'both')
    )
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-4, atol=1e-5)
