"""A teacher whose answers to the training images were stored before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from ..teacher import Teacher
from ..teacher.fast_options import FastOptions
from ..teacher.preprocess import Normalisation
from .compare import differing, same_or_error
from .fingerprint import (
    data_fingerprint,
    library_versions,
    pipeline_fingerprint,
    teacher_fingerprint,
)
from .refusals import refuse_batch_mixing, refuse_student
from .replay import ReplayDataset
from .store import LogitStore

__all__ = ['CachedTeacher', 'build_teacher']


def build_teacher(options: Mapping[str, Any]) -> Teacher:
    """Return a :class:`CachedTeacher` if ``options`` name a cache, else a :class:`Teacher`."""
    options = dict(options)
    if options.get('cache') is None:
        options.pop('cache', None)
        return Teacher(**options)
    return CachedTeacher(**options)


class CachedTeacher(Teacher):
    """Answers from a cache of ``tools/cache_logits.py``; no model is built.

    Every sample of a batch carries its index, its view and the CRC-32 of its image, see
    :class:`ReplayDataset`. The stored row has the CRC-32 of the image that the teacher saw; another
    one stops the run.

    It takes :class:`Teacher`'s options too, so that the same config runs with and without
    ``cache``. Those that name the teacher are compared with the cache's record, if they are given;
    the others have no effect here.

    Args:
        cache: folder of the cache.
        config: the teacher's config, or None.
        checkpoint: the teacher's file or URL, or None. A file is read for its hash alone.
        preprocess: as for :class:`Teacher`, or None.
        classes: as for :class:`Teacher`, or None.
        ignore_keys: as for :class:`Teacher`, or None.
        fast: as for :class:`Teacher`, or None; its precision decides the answers.
        verify: when shards are compared with their checksums: ``'start'``, all of them before the
            first step, or ``'use'``, each when it is read for the first time.
        **others: :class:`Teacher`'s other options.

    Attributes:
        dataset: the training set, which :meth:`build` compares with the cache's record.

    Raises:
        ValueError: ``verify`` is neither, or ``init`` is given too.
    """

    def __init__(
        self,
        cache: str | Path,
        config: Any = None,
        checkpoint: str | Path | None = None,
        preprocess: str | None = None,
        classes: str | None = None,
        ignore_keys: Sequence[str] | None = None,
        fast: bool | Mapping[str, Any] | None = None,
        verify: str = 'start',
        **others: Any,
    ) -> None:
        if verify not in ('start', 'use'):
            raise ValueError(f"teacher.verify={verify!r}: 'start' or 'use' expected")
        if others.get('init') is not None:
            raise ValueError(
                f'teacher.init={others["init"]!r} with teacher.cache={str(cache)!r}: an untrained '
                'teacher is another one in every run; give the cache alone'
            )
        self.cache = str(cache)
        self.verify = verify
        self.config = config
        self.checkpoint = None if checkpoint is None else str(checkpoint)
        self._options = {
            'preprocess': preprocess,
            'classes': classes,
            'ignore_keys': None if ignore_keys is None else list(ignore_keys),
            'precision': None if fast is None else FastOptions.of(fast).precision,
        }
        self.dataset: Any = None
        self._store: LogitStore | None = None

    @property
    def store(self) -> LogitStore:
        """The open cache."""
        if self._store is None:
            raise RuntimeError('the cache is not open yet: call build(student) first')
        return self._store

    @property
    def model(self) -> nn.Module:
        """There is none.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(f'the teacher of the cache {self.cache!r} is not built: no model to ask')

    def build(self, student: nn.Module, classes: Sequence[str] | None = None) -> CachedTeacher:
        """Open the cache and find out whether it belongs to this run.

        Args:
            student: the model that will be trained.
            classes: class names of its training set, if it has any.

        Raises:
            ValueError: the student's kind cannot be cached, or teacher, data or pipeline differ.
            DamagedShardError: a shard is missing or damaged.
        """
        refuse_student(student)
        refuse_batch_mixing(student)
        store = LogitStore(self.cache, verify_at_use=self.verify == 'use')
        recorded = store.header['fingerprint']
        self._check_teacher(recorded['teacher'], student)
        expected = recorded['data']['classes']
        if classes is not None and list(classes) != expected:
            same_or_error(self.cache, 'data', {'classes': expected}, {'classes': list(classes)})
        if self.dataset is not None:
            self._check_data(store, student)
        if self.verify == 'start':
            for shard in store.shards():
                store.verify(shard)
        changed = differing(store.header['versions'], library_versions())
        note = f'; other versions than when it was made: {", ".join(changed)}' if changed else ''
        print_log(
            f'Teacher from the cache {self.cache}: {store.length} images, {store.views} views, '
            f'{store.nbytes / 1e6:.1f} MB, {store.rows.dtype}, top {store.rows.topk or "all"} of '
            f'{store.rows.num_classes} classes{note}',
            logger='current',
        )
        self._store = store
        return self

    @property
    def fast_report(self) -> str:
        """Nothing was made faster: nothing is run."""
        return ''

    @torch.compiler.disable
    def score(
        self,
        forward: Callable[[nn.Module, Tensor], Any],
        inputs: Tensor,
        data_samples: Sequence[Any] | None = None,
    ) -> Any:
        """Look up what the teacher said of these images.

        Args:
            forward: not called.
            inputs: (N, channels, H, W); only their device counts.
            data_samples: N data samples with ``replay``.

        Returns:
            The function that gives the cells' logits, and the images' own, (N, C).

        Raises:
            ValueError: a sample without ``replay``, or whose image is not the one in the cache.
        """
        keys = [getattr(sample, 'replay', None) for sample in data_samples or ()]
        if not keys or None in keys:
            raise ValueError(
                f'the data samples do not say which images they are. {_wrap(self.store)}'
            )
        indices, views, checksums = np.array(keys, dtype=np.int64).T
        records = np.empty(len(keys), self.store.rows.record)
        for view in np.unique(views).tolist():
            chosen = views == view
            records[chosen] = self.store.read(view, indices[chosen])
        wrong = np.flatnonzero(records['crc'] != checksums)
        if wrong.size:
            raise ValueError(self._mismatch(keys[wrong[0]], int(records['crc'][wrong[0]])))
        logits = self.store.rows.unpack(records, inputs.device)  # (N, R, C)
        return partial(self._cells, logits), logits[:, 0]

    def mode(self) -> AbstractContextManager[None]:
        """Return the mode in which cells are looked up: without gradient."""
        return torch.no_grad()

    def select_classes(self, logits: Tensor) -> Tensor:
        """Return the logits as they are: the cache has the student's classes in its order."""
        return logits

    def _cells(self, logits: Tensor, scales: tuple[int, ...], nested: bool) -> Tensor:
        """Cells (N, C, R) of stored logits (N, R, C), without region 0 unless nested."""
        columns = self.store.rows.columns(scales, nested)
        chosen = torch.tensor(columns if nested else columns[1:])
        if logits.device.type == 'cuda':
            chosen = chosen.pin_memory().to(logits.device, non_blocking=True)
        return logits.index_select(1, chosen).transpose(1, 2)

    def _check_teacher(self, recorded: dict[str, Any], student: nn.Module) -> None:
        """Compare what names the teacher, and what it saw, with the record."""
        ours = teacher_fingerprint(self.config, self.checkpoint, **self._options)
        if 'checkpoint' in ours:
            ours.pop('url', None)  # the content decides
        if recorded['preprocess'] == 'same':
            ours['inputs'] = Normalisation.of(student).to_list()
        same_or_error(self.cache, 'teacher', recorded, ours)

    def _check_data(self, store: LogitStore, student: nn.Module) -> None:
        """Compare seed, views, data and pipeline with the record."""
        if not isinstance(self.dataset, ReplayDataset):
            raise ValueError(
                f'the training set is a {type(self.dataset).__name__}, whose images are other ones '
                f'in every epoch than those in the cache {self.cache!r}. {_wrap(store)}'
            )
        recorded = store.header['fingerprint']
        theirs = {'seed': store.seed, 'views': store.views}
        ours = {'seed': self.dataset.seed, 'views': self.dataset.views}
        same_or_error(self.cache, 'replay', theirs, ours)
        data = data_fingerprint(self.dataset.dataset, recorded['data'])
        same_or_error(self.cache, 'data', recorded['data'], data)
        pipeline = pipeline_fingerprint(self.dataset, student.data_preprocessor)
        same_or_error(self.cache, 'pipeline', recorded['pipeline'], pipeline)

    def _mismatch(self, key: tuple[int, int, int], stored: int) -> str:
        """What to say of an image that is not the one that the teacher saw."""
        index, view, found = key
        changed = differing(self.store.header['versions'], library_versions())
        cause = (
            f'other versions decode or transform it differently ({", ".join(changed)})'
            if changed
            else 'an image file has changed, or a transform draws random numbers from a source '
            "other than Python's, numpy's and torch's generators"
        )
        return (
            f'sample {index}, view {view}: the image has CRC-32 {found:08x}, the one that the '
            f'teacher saw for the cache {self.cache!r} had {stored:08x}. Likely {cause}. Make the '
            'cache again with what trains'
        )


def _wrap(store: LogitStore) -> str:
    """How the training set becomes one that can be replayed."""
    return (
        'tools/train.py wraps the training set by itself; for another program, put it into the '
        "config: train_dataloader.dataset=dict(type='mmlogitkd.ReplayDataset', "
        f'seed={store.seed}, views={store.views}, dataset=dict(...)), with yours in the inner dict'
    )
