"""A dataset whose augmentation can be repeated: the same random numbers for the same sample."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import Tensor
from torch.utils.data import Dataset

from ..registry import DATASETS
from .refusals import refuse_mixing
from .seeding import preserved, seed

__all__ = ['ReplayDataset', 'checksum', 'tell_epoch']


@DATASETS.register_module()
class ReplayDataset(Dataset):
    """Wraps a training set so that every sample's augmentation is a function of its index.

    The random numbers of sample ``index`` in epoch ``e`` are derived from ``(seed, e % views,
    index)``, whatever process loads it and in whatever order, so that a teacher's answers to
    exactly these images can be stored and looked up. Every data sample gets the meta entry
    ``replay = (index, view, checksum)``, the CRC-32 of its packed image.

    Args:
        dataset: config of a dataset, or the dataset. Its items are ``dict(inputs=Tensor,
            data_samples=DataSample)``, as ``PackInputs`` gives them.
        seed: what the augmentation is derived from. It is not the run's ``randomness.seed``: runs
            with several seeds can share one cache.
        views: how many different augmentations of an image there are. Epoch e uses view
            ``e % views``; with 1, the images are the same in every epoch.

    Raises:
        ValueError: ``seed`` is negative or ``views`` below 1, or the dataset mixes samples.

    Example:
        >>> train_dataloader = dict(dataset=dict(
        ...     type='mmlogitkd.ReplayDataset', views=20,
        ...     dataset=dict(type='CIFAR100', data_root='data/cifar100', pipeline=[...])))
    """

    def __init__(self, dataset: Mapping[str, Any] | Any, seed: int = 0, views: int = 1) -> None:
        if views < 1 or seed < 0:
            raise ValueError(f'ReplayDataset: seed={seed}, views={views}; seed >= 0, views >= 1')
        self.config = dict(dataset) if isinstance(dataset, Mapping) else None
        refuse_mixing(self.config)
        self.dataset: Any = MMENGINE_DATASETS.build(dataset) if self.config else dataset
        refuse_mixing(self.dataset)
        self.seed = seed
        self.views = views
        # in shared memory, so that workers that live for several epochs see it change
        self._epoch = torch.full((1,), 0 if views == 1 else -1).share_memory_()

    @property
    def metainfo(self) -> Any:
        """The wrapped dataset's, with the class names."""
        return self.dataset.metainfo

    def full_init(self) -> None:
        """Load the list of the wrapped dataset, if it does so late."""
        if hasattr(self.dataset, 'full_init'):
            self.dataset.full_init()

    def get_data_info(self, index: int) -> dict[str, Any]:
        """Return the wrapped dataset's entry of one sample."""
        return self.dataset.get_data_info(index)

    def get_cat_ids(self, index: int) -> list[int]:
        """Return the classes of one sample, which some samplers ask for."""
        return self.dataset.get_cat_ids(index)

    def set_epoch(self, epoch: int) -> None:
        """Choose the view, before the iterator of the epoch is made; reaches running workers."""
        self._epoch[0] = epoch

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Return the samples of a batch; torch's loaders ask for them at once.

        Keeping the random states of the main process takes longer than a small image's pipeline,
        and is done once here.
        """
        epoch = int(self._epoch)
        if epoch < 0:
            raise ValueError(
                f'ReplayDataset has views={self.views} and nobody tells it the epoch: add '
                "mmlogitkd.LogitDistillHook (enabled=False will do), call the dataset's "
                'set_epoch(epoch) before every epoch, or use views=1'
            )
        with preserved():
            return [self._seeded(index, epoch % self.views) for index in indices]

    def replay(self, index: int, view: int) -> dict[str, Any]:
        """Return sample ``index`` with its ``view``-th augmentation.

        Raises:
            TypeError: the dataset's items are not packed images.
        """
        with preserved():
            return self._seeded(index, view)

    def _seeded(self, index: int, view: int) -> dict[str, Any]:
        """One sample; leaves the generators where its pipeline left them."""
        seed(self.seed, view, int(index))
        item = self.dataset[index]
        inputs, sample = item.get('inputs'), item.get('data_samples')
        if not isinstance(inputs, Tensor) or not hasattr(sample, 'set_field'):
            raise TypeError(
                f'sample {index} of {type(self.dataset).__name__} has inputs='
                f'{type(inputs).__name__}, data_samples={type(sample).__name__}; one image tensor '
                'and one data sample are needed: end the pipeline with PackInputs, without '
                'MultiView'
            )
        sample.set_field((int(index), view, checksum(inputs)), 'replay', field_type='metainfo')
        return item


def checksum(inputs: Tensor) -> int:
    """CRC-32 of an image's values, row by row."""
    return zlib.crc32(inputs.contiguous().numpy().data)


def tell_epoch(runner: Runner) -> None:
    """Set the view of the epoch that begins, if the runner's training set is a replay.

    Raises:
        ValueError: several views in an iteration-based loop, which has no epochs.
    """
    dataset = runner.train_dataloader.dataset
    if not isinstance(dataset, ReplayDataset):
        return
    if dataset.views > 1 and isinstance(runner.train_loop, IterBasedTrainLoop):
        raise ValueError(
            f'ReplayDataset has views={dataset.views}, but an iteration-based loop has no epochs '
            'to choose one by; use views=1, or train_cfg=dict(by_epoch=True, ...)'
        )
    dataset.set_epoch(runner.epoch)
