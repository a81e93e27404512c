"""The same sample, the same image: whoever loads it, and in whatever order."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmlogitkd.offline import ReplayDataset

from .images import LENGTH, dataset_config

pytestmark = pytest.mark.usefixtures('scope')


@pytest.fixture
def scope():
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope('mmpretrain'):
        yield


def keys(dataset: ReplayDataset) -> list[tuple[int, int, int]]:
    return [dataset[index]['data_samples'].replay for index in range(len(dataset))]


def test_an_image_depends_on_seed_view_and_index_alone() -> None:
    dataset = ReplayDataset(dataset_config(), views=2)
    dataset.set_epoch(0)
    first = keys(dataset)
    assert [key[:2] for key in first] == [(index, 0) for index in range(LENGTH)]
    dataset.set_epoch(1)
    second = keys(dataset)
    assert sum(a[2] == b[2] for a, b in zip(first, second, strict=True)) <= 1
    dataset.set_epoch(2)
    backwards = [dataset[index]['data_samples'].replay for index in range(LENGTH)[::-1]]
    assert backwards[::-1] == first
    other = keys(ReplayDataset(dataset_config(), seed=1))
    assert sum(a[2] == b[2] for a, b in zip(first, other, strict=True)) <= 1


def test_nobody_elses_random_numbers_are_disturbed() -> None:
    dataset = ReplayDataset(dataset_config())

    def drawn() -> list[float]:
        return [random.random(), float(np.random.rand()), float(torch.rand(()))]

    def seed() -> None:
        random.seed(3), np.random.seed(3), torch.manual_seed(3)

    seed()
    expected = [drawn() for _ in range(3)]
    seed()
    found = [drawn()]
    dataset[0]
    found.append(drawn())
    with pytest.raises(IndexError):
        dataset.replay(LENGTH, 0)
    found.append(drawn())
    assert found == expected


@pytest.mark.parametrize('context', ['fork', pytest.param('spawn', marks=pytest.mark.full)])
def test_workers_that_live_on_follow_the_epoch(context: str) -> None:
    """In the first epoch too, though the workers start after it was set."""
    dataset = ReplayDataset(dataset_config(), views=3)
    loader = DataLoader(
        dataset,
        batch_size=8,
        num_workers=2,
        persistent_workers=True,
        collate_fn=pseudo_collate,
        multiprocessing_context=context,
    )
    for epoch in (0, 1, 2, 3, 7):
        dataset.set_epoch(epoch)
        loaded = [sample.replay for batch in loader for sample in batch['data_samples']]
        assert loaded == keys(dataset)
        assert {view for _, view, _ in loaded} == {epoch % 3}


def test_an_epoch_that_nobody_tells_is_an_error() -> None:
    with pytest.raises(ValueError, match=r'views=2.*enabled=False'):
        ReplayDataset(dataset_config(), views=2)[0]


@pytest.mark.parametrize('values', [dict(views=0), dict(seed=-1)])
def test_bad_arguments_are_refused(values: dict) -> None:
    with pytest.raises(ValueError, match='views >= 1'):
        ReplayDataset(dataset_config(), **values)


def test_datasets_that_mix_images_are_refused_by_name() -> None:
    mosaic = dict(type='mmdet.MultiImageMixDataset', dataset=dict(), pipeline=[])
    with pytest.raises(ValueError, match='MultiImageMixDataset'):
        ReplayDataset(mosaic)
    pipeline = [dict(type='mmdet.CachedMosaic')]
    with pytest.raises(ValueError, match='CachedMosaic'):
        ReplayDataset(dataset_config(pipeline=pipeline))


def test_items_that_are_not_packed_are_refused() -> None:
    with pytest.raises(TypeError, match='PackInputs'):
        ReplayDataset(dataset_config(pipeline=[]))[0]
