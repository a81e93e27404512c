"""Letting a teacher score the training images of a config, once, and storing its answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS, DefaultScope
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..logits import ClassifierLogits
from ..registry import MODELS, TASK_UTILS
from ..teacher import Teacher
from ..teacher.build import build_model
from ..teacher.fast_options import FastOptions
from ..teacher.preprocess import Normalisation
from .compare import same_or_error
from .determinism import repeatable_batch
from .fingerprint import (
    data_fingerprint,
    library_versions,
    pipeline_fingerprint,
    teacher_fingerprint,
)
from .refusals import refuse_batch_mixing, refuse_student
from .replay import ReplayDataset
from .rows import RowFormat
from .setup import find_distill, replayed
from .store import HEADER, DamagedShardError, LogitStore, Shard

__all__ = ['LogitCaching']


class LogitCaching:
    """Everything that makes a cache for one config: its training set, its teacher, its losses.

    The images go the way they go in training: the config's own pipeline, the student's data
    preprocessor, the conversion to the teacher's inputs, its columns in the order of the classes.

    Args:
        config: the distillation's config.
        views: how many augmentations of an image; None for the config's ReplayDataset, or 1.
        seed: what they are derived from; None for the config's, or 0.
        dtype: see :class:`RowFormat`.
        topk: see :class:`RowFormat`.
        scales: grids of regions to store; None for those that the config's losses ask for.
        device: where the teacher runs.

    Raises:
        ValueError: no distillation in the config, or one that cannot be stored.
    """

    def __init__(
        self,
        config: Config,
        views: int | None = None,
        seed: int | None = None,
        dtype: str = 'float16',
        topk: int | None = None,
        scales: Sequence[int] | None = None,
        device: torch.device | str = 'cpu',
    ) -> None:
        distill = find_distill(config)
        if distill is None:
            raise ValueError(
                'the config has no mmlogitkd.LogitDistillHook in default_hooks; give the config of '
                'the distillation'
            )
        options = dict(distill.get('teacher') or {})
        for name in ('cache', 'verify'):
            options.pop(name, None)
        if options.get('init') is not None:
            raise ValueError(
                f'teacher.init={options["init"]!r}: an untrained teacher has nothing to store; '
                'give teacher.checkpoint'
            )
        self._student: Any = build_model(config).to(device).eval()
        refuse_student(self._student)
        refuse_batch_mixing(self._student)
        source = distill.get('logits')
        self._source: Any = TASK_UTILS.build(dict(source)) if source else ClassifierLogits()
        if not isinstance(self._source, ClassifierLogits):
            raise ValueError(
                f'logits={type(self._source).__name__}: only ClassifierLogits can be stored'
            )
        with DefaultScope.overwrite_default_scope(config.get('default_scope')):
            self.dataset: ReplayDataset = DATASETS.build(
                replayed(config.train_dataloader.dataset, seed, views)
            )
        self.dataset.full_init()
        self._teacher = Teacher(**options)
        self._options = options
        nested = self._source.pooling == 'nested'
        self._grids = _grids(distill) if scales is None else tuple(scales)
        if self._grids == (1,) and not nested:
            self._grids = ()  # the whole image alone, which is stored anyway
        self._source.attach(self._student, with_regions=bool(self._grids))
        classes = (getattr(self.dataset, 'metainfo', None) or {}).get('classes')
        self._teacher.build(self._student, classes)
        batch = repeatable_batch(self.dataset, self._student.data_preprocessor)
        self._shape = batch['inputs'][0].shape
        num_classes = self._logits(batch).size(2)
        self.rows = RowFormat(num_classes, dtype, topk, self._grids, nested)

    def open(self, path: str | Path, shard_size: int = 4096) -> LogitStore:
        """Begin a cache, or go on with one that was made with the same settings.

        Raises:
            ValueError: there is a cache of something else.
        """
        if not (Path(path) / HEADER).is_file():
            return LogitStore.create(path, self._header(shard_size))
        store = LogitStore(path)
        recorded = store.header['fingerprint']
        header = self._header(shard_size, recorded['data'])
        del header['versions']  # as with the training: the images decide
        for part, ours in header.pop('fingerprint').items():
            same_or_error(path, part, recorded[part], ours)
        same_or_error(path, 'setting', store.header, header)
        return store

    def missing(self, store: LogitStore, part: tuple[int, int] = (0, 1)) -> list[Shard]:
        """Return the shards that are not there or damaged.

        Args:
            store: the cache.
            part: ``(k, n)``: only every n-th shard, from the k-th on.
        """
        missing = []
        for shard in list(store.shards())[part[0] :: part[1]]:
            try:
                store.verify(shard)
            except DamagedShardError:
                missing.append(shard)
        return missing

    def fill(
        self, store: LogitStore, shards: Sequence[Shard], batch_size: int, num_workers: int = 0
    ) -> Iterator[Shard]:
        """Make shards one after the other; yields each when it is in its place."""
        batches = [
            [(shard.view, index) for index in range(start, min(start + batch_size, shard.stop))]
            for shard in shards
            for start in range(shard.start, shard.stop, batch_size)
        ]
        loader = iter(
            DataLoader(
                _Views(self.dataset),
                batch_sampler=batches,
                num_workers=num_workers,
                collate_fn=pseudo_collate,
            )
        )
        for shard in shards:
            parts: list[np.ndarray] = []
            while sum(map(len, parts)) < len(shard):
                parts.append(self._records(next(loader)))
            store.write(shard, np.concatenate(parts))
            yield shard

    def _records(self, batch: dict[str, Any]) -> np.ndarray:
        """One batch's rows."""
        keys = [sample.replay for sample in batch['data_samples']]
        try:
            return self.rows.pack(self._logits(batch), [checksum for *_, checksum in keys])
        except ValueError as error:
            first, last = keys[0][0], keys[-1][0]
            raise ValueError(f'samples {first} to {last}, view {keys[0][1]}: {error}') from error

    @torch.no_grad()
    def _logits(self, batch: dict[str, Any]) -> Tensor:
        """The teacher's logits (N, R, C) of one collated batch."""
        for image in batch['inputs']:
            if image.shape != self._shape:
                raise ValueError(
                    f'the pipeline gives images of {tuple(self._shape)} and of '
                    f'{tuple(image.shape)}: padding then depends on the other images of a batch, '
                    'so no answer can be stored. Let it give one size'
                )
        batch['inputs'] = torch.stack(batch['inputs'])
        data = self._student.data_preprocessor(batch, training=True)
        inputs, samples = data['inputs'], data['data_samples']
        logits = self._source.teacher_logits(self._teacher, inputs, samples, self._grids)
        return logits.transpose(1, 2)

    def _header(self, shard_size: int, known: dict[str, Any] | None = None) -> dict[str, Any]:
        """What is written down about a cache, or compared with what is known of its data."""
        preprocess = self._options.get('preprocess', 'match')
        same = preprocess == 'same'
        teacher = teacher_fingerprint(
            self._options['config'],
            self._options['checkpoint'],
            preprocess=preprocess,
            classes=self._options.get('classes', 'match'),
            ignore_keys=list(self._options.get('ignore_keys', ())),
            precision=FastOptions.of(self._options.get('fast', True)).precision,
            inputs=Normalisation.of(self._student).to_list() if same else None,
        )
        return {
            'length': len(self.dataset),
            'views': self.dataset.views,
            'seed': self.dataset.seed,
            'shard_size': shard_size,
            'row': self.rows.to_dict(),
            'fingerprint': {
                'teacher': teacher,
                'data': data_fingerprint(self.dataset.dataset, known),
                'pipeline': pipeline_fingerprint(self.dataset, self._student.data_preprocessor),
            },
            'versions': library_versions(),
        }


class _Views(Dataset):
    """Samples by ``(view, index)``."""

    def __init__(self, dataset: ReplayDataset) -> None:
        self.dataset = dataset

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
        view, index = key
        return self.dataset.replay(index, view)


def _grids(distill: dict[str, Any]) -> tuple[int, ...]:
    """Every scale that a loss of the hook asks for."""
    losses = [MODELS.build(dict(loss)) for loss in (distill.get('losses') or {}).values()]
    return tuple(sorted({m for loss in losses for m in loss.scales or ()}))
