"""Whether what happens to an image is determined by the seed, tried on one image."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate

from .replay import ReplayDataset

__all__ = ['repeatable_batch']


def repeatable_batch(dataset: ReplayDataset, preprocessor: Any) -> dict[str, Any]:
    """Return a batch of the first sample, collated and not yet preprocessed.

    Args:
        dataset: the training set.
        preprocessor: the student's data preprocessor.

    Raises:
        ValueError: the sample comes out differently the second time, or the preprocessor draws
            random numbers.
    """
    first = dataset.replay(0, 0)
    dataset.replay(len(dataset) - 1, 0)
    again = dataset.replay(0, 0)
    if first['data_samples'].replay != again['data_samples'].replay:
        raise ValueError(
            'the pipeline gives sample 0 another image the second time, with the same random '
            'numbers from Python, numpy and torch: one of its transforms has a generator or a '
            'memory of its own. Replace that transform'
        )
    before = _random_states()
    preprocessor(pseudo_collate([again]), training=True)
    if _random_states() != before:
        raise ValueError(
            f'{type(preprocessor).__name__} draws random numbers, so what it makes of a batch '
            'cannot be repeated; use one without augmentation'
        )
    return pseudo_collate([first])


def _random_states() -> tuple[Any, ...]:
    """Python's, numpy's and torch's random state, comparable."""
    numpy = np.random.get_state()
    tensor = torch.get_rng_state().numpy().tobytes()
    return random.getstate(), numpy[1].tobytes(), numpy[2], tensor  # type: ignore[index]
