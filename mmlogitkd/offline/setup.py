"""Changes to a training config that a cache needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from .store import LogitStore

__all__ = ['find_distill', 'replayed', 'use_cache']


def find_distill(config: Config) -> dict[str, Any] | None:
    """Return the config of the LogitDistillHook, or None where there is none."""
    hooks = [*(config.get('default_hooks') or {}).values(), *(config.get('custom_hooks') or ())]
    for hook in hooks:
        if isinstance(hook, Mapping) and _named(hook, 'LogitDistillHook'):
            return dict(hook)
    return None


def replayed(dataset: Mapping[str, Any], seed: int | None, views: int | None) -> dict[str, Any]:
    """Return a dataset's config inside that of a ReplayDataset.

    Args:
        dataset: config of the training set; one that is a ReplayDataset already stays.
        seed: None for that of the config, or 0.
        views: None for that of the config, or 1.

    Raises:
        ValueError: the config is a ReplayDataset with another seed or number of views.
    """
    if not _named(dataset, 'ReplayDataset'):
        wrapped = dict(type='mmlogitkd.ReplayDataset', seed=seed or 0, views=views or 1)
        return wrapped | dict(dataset=dataset)
    for name, default, asked in (('seed', 0, seed), ('views', 1, views)):
        stated = dataset.get(name, default)
        if asked is not None and asked != stated:
            raise ValueError(
                f'train_dataloader.dataset is a ReplayDataset with {name}={stated}, but '
                f'{name}={asked} is asked for; change one of them'
            )
    return dict(dataset)


def use_cache(config: Config) -> None:
    """Wrap the training set in a ReplayDataset if the distillation reads a cache.

    Seed and views are the cache's. The wrapped config is the one that the runner saves.

    Raises:
        FileNotFoundError: the cache does not exist.
        ValueError: the config has a ReplayDataset with another seed or number of views.
    """
    distill = find_distill(config)
    if distill is None or not distill.get('enabled', True):
        return
    cache = (distill.get('teacher') or {}).get('cache')
    if cache is None:
        return
    store = LogitStore(cache)
    config.train_dataloader.dataset = replayed(
        config.train_dataloader.dataset, store.seed, store.views
    )
    print_log(
        f'train_dataloader.dataset is wrapped in mmlogitkd.ReplayDataset(seed={store.seed}, '
        f'views={store.views}), so that the images are those of the cache {cache}',
        logger='current',
    )


def _named(config: Mapping[str, Any], name: str) -> bool:
    """Whether a config's type is ``name``, with or without a scope."""
    kind = config.get('type')
    return str(getattr(kind, '__name__', kind)).rpartition('.')[2] == name
