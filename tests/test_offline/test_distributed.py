"""Two gloo processes, each looking up the samples of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.multiprocessing as mp

from mmlogitkd.offline import use_cache
from tests.test_hooks.test_distributed import free_port, train, work

from .conftest import CACHE


def rank_of_two(rank: int, port: int, config: dict) -> None:
    """A function of this module, so that the new process knows its dataset."""
    work(rank, port, config, 'gloo')


def test_two_ranks_train_what_one_process_trains(
    tmp_path: Path, cached: Callable[..., Path], configured: Callable
) -> None:
    """Two epochs over two views, each rank with every second image of the same batches."""
    cache = cached(views=2, dtype='float32')

    def config(batch: int) -> dict:
        found = configured(
            **{
                CACHE: str(cache),
                'train_dataloader.batch_size': batch,
                'train_dataloader.sampler.shuffle': False,
                'model.backbone.norm_cfg': dict(type='GN', num_groups=2),
                'optim_wrapper.optimizer': dict(type='SGD', lr=0.05, _delete_=True),
            }
        )
        use_cache(found)
        return found.to_dict()

    alone, both = config(4), config(2)
    train(alone)
    mp.spawn(rank_of_two, args=(free_port(), both), nprocs=2)
    expected, found = (
        torch.load(Path(one['work_dir']) / 'epoch_2.pth', weights_only=False)['state_dict']
        for one in (alone, both)
    )
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-4, atol=1e-5)
