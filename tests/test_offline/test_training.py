"""Runs with a cache against runs with the teacher itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.runner import Runner

from .images import LENGTH, SDD, AugmentedImages, dataset_config

Make = Callable[..., Path]
Run = Callable[..., Runner]

DATASET = 'train_dataloader.dataset'
WORKERS = {
    'train_dataloader.num_workers': 2,
    'train_dataloader.persistent_workers': True,
}


def replayed(views: int = 1, seed: int = 0) -> dict:
    """What tools/train.py makes of the training set, for runs with the teacher itself."""
    return {
        DATASET: dict(
            type='mmlogitkd.ReplayDataset',
            views=views,
            seed=seed,
            dataset=dataset_config(),
            _delete_=True,
        )
    }


def logged(runner: Runner) -> list[dict]:
    [file] = Path(runner.work_dir).glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in file.read_text().splitlines()]


def same(first: Runner, second: Runner) -> bool:
    one, other = first.model.state_dict(), second.model.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize('workers', [{}, WORKERS], ids=['0 workers', '2 workers'])
def test_float32_trains_the_very_same_student(cached: Make, run: Run, workers: dict) -> None:
    """Three epochs over two views, so that one view comes twice."""
    cache = cached(views=2, dtype='float32')
    live = run(**replayed(views=2), **workers, **{'train_cfg.max_epochs': 3})
    offline = run(cache, **workers, **{'train_cfg.max_epochs': 3})
    assert same(live, offline)
    assert len(logged(offline)) == 15
    plain = run(**replayed(views=2), **{'default_hooks.distill.enabled': False})
    assert not same(plain, offline)


def test_float16_gives_the_losses_up_to_its_rounding(cached: Make, run: Run) -> None:
    live, offline = logged(run(**replayed())), logged(run(cached()))
    for name in ('loss_kd', 'loss_sdd'):
        assert offline[0][name] == pytest.approx(live[0][name], rel=0.01)
        assert offline[0][name] != live[0][name]


def test_topk_approximates(cached: Make, run: Run) -> None:
    live, offline = logged(run(**replayed())), logged(run(cached(topk=3)))
    assert offline[0]['loss_kd'] == pytest.approx(live[0]['loss_kd'], rel=0.25)


def test_resume_goes_on_with_the_next_view(cached: Make, run: Run) -> None:
    cache = cached(views=3, dtype='float32')
    common = {'param_scheduler': None}
    whole = run(cache, **common, **{'train_cfg.max_epochs': 3})
    half = run(cache, **common, **{'train_cfg.max_epochs': 1})
    last = str(Path(half.work_dir) / 'epoch_1.pth')
    rest = run(cache, **common, **{'train_cfg.max_epochs': 3, 'resume': True, 'load_from': last})
    assert same(whole, rest)


def test_the_same_config_needs_neither_config_nor_checkpoint(cached: Make, run: Run) -> None:
    cache = cached(dtype='float32')
    named = run(cache)
    alone = run(cache, **{'default_hooks.distill.teacher': dict(_delete_=True)})
    assert same(named, alone)


@pytest.mark.parametrize('pooling', ['direct', 'nested'])
def test_regions(cached: Make, run: Run, pooling: str) -> None:
    logits = dict(type='mmlogitkd.ClassifierLogits', pooling=pooling)
    source = {'default_hooks.distill.logits': logits}
    cache = cached(source, dtype='float32')
    assert same(run(**source, **replayed()), run(cache, **source))


def test_a_loss_may_ask_for_some_of_the_grids(cached: Make, run: Run) -> None:
    cache = cached(scales=(1, 2, 4), dtype='float32')
    assert same(run(**replayed()), run(cache))


@pytest.mark.parametrize(
    ('options', 'scales', 'message'),
    [
        (dict(scales=(1, 2)), (1, 2, 4), r'scales=\(1, 2, 4\).*holds scales=\(1, 2\)'),
        (dict(scales=()), (1, 2), 'holds no regions'),
    ],
)
def test_other_scales_are_refused(
    cached: Make, run: Run, options: dict, scales: tuple, message: str
) -> None:
    losses = dict(loss_sdd=SDD | dict(scales=scales), _delete_=True)
    with pytest.raises(ValueError, match=message):
        run(cached(**options), **{'default_hooks.distill.losses': losses})


def test_other_pooling_is_refused(cached: Make, run: Run) -> None:
    nested = dict(type='mmlogitkd.ClassifierLogits', pooling='nested')
    with pytest.raises(ValueError, match=r'pooled nested; the cache holds .* pooled direct'):
        run(cached(), **{'default_hooks.distill.logits': nested})


def test_an_iteration_based_loop_takes_one_view(cached: Make, run: Run) -> None:
    loop = {
        'train_cfg': dict(by_epoch=False, max_iters=12, _delete_=True),
        'train_dataloader.sampler': dict(type='InfiniteSampler', shuffle=True, _delete_=True),
        'log_processor.by_epoch': False,
        'param_scheduler': None,
        'default_hooks.checkpoint': dict(type='CheckpointHook', by_epoch=False, interval=12),
    }
    cache = cached(dtype='float32')
    assert same(run(**loop, **replayed()), run(cache, **loop))
    with pytest.raises(ValueError, match=r'views=2, but an iteration-based loop'):
        run(cached(views=2), **loop)


def test_autocast_and_accumulation(cached: Make, run: Run) -> None:
    """Answers stored in float32 also serve a student that runs in bfloat16."""
    half = {
        'optim_wrapper.type': 'CPUAutocastOptimWrapper',
        'optim_wrapper.accumulative_counts': 2,
    }
    live, offline = logged(run(**replayed(), **half)), logged(run(cached(), **half))
    for one, other in zip(live[:2], offline[:2], strict=True):
        assert other['loss_kd'] == pytest.approx(one['loss_kd'], rel=0.05)


def test_every_image_is_compared_with_the_one_that_the_teacher_saw(
    cached: Make, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One pixel of one image, which neither the list nor the config shows."""
    cache = cached()
    load = AugmentedImages.prepare_data

    def other_pixel(self: AugmentedImages, index: int) -> Any:
        item = load(self, index)
        if index == 13:
            item['inputs'][0, 3, 4] ^= 1
        return item

    monkeypatch.setattr(AugmentedImages, 'prepare_data', other_pixel)
    with pytest.raises(ValueError, match=r'sample 13, view 0: .*an image file has changed'):
        run(cache)


def test_the_wrapped_config_is_the_one_that_is_saved(cached: Make, run: Run) -> None:
    runner = run(cached(views=2, seed=5))
    wrapped = runner.cfg.train_dataloader.dataset
    assert (wrapped.type, wrapped.seed, wrapped.views) == ('mmlogitkd.ReplayDataset', 5, 2)
    assert wrapped.dataset.type == 'AugmentedImages'
    [file] = Path(runner.work_dir).glob('*.py')
    assert wrapped.type in file.read_text()
    assert len(runner.train_dataloader.dataset) == LENGTH
