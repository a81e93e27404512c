"""From any form of config to a built model, without touching a random state."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import nn

__all__ = [
    'build_model',
    'build_untrained',
    'load_config',
    'preserved_random_state',
    'read_config',
]


def read_config(
    config: str | Path | Mapping[str, Any] | Config, name: str = 'teacher.config'
) -> Config:
    """Return a config with a ``model`` entry.

    Args:
        config: a path, ``'package::path'`` (as in ``_base_``), a :class:`Config`, a dict of a whole
            config, or the dict of a model (with ``type``).
        name: what to call it in messages.

    Raises:
        FileNotFoundError: no such file.
        TypeError: none of these forms.
        ValueError: a config that cannot be read, or without a model.
    """
    if isinstance(config, (str, Path)):
        name = f'{name}={str(config)!r}'
        if '::' in str(config):
            # a base of that name resolves inside the installed package; nothing is installed
            loaded = Config.fromstring(f'_base_ = [{str(config)!r}]', '.py')
        elif not Path(config).is_file():
            raise FileNotFoundError(
                f'{name} does not exist (seen from {Path.cwd()}); give a path, or '
                "'package::path' for a config of an installed package"
            )
        else:
            loaded = load_config(config, name)
    elif isinstance(config, Config):
        loaded = config.copy()
    elif isinstance(config, Mapping):
        entries = dict(config)
        loaded = Config(
            entries if 'model' in entries or 'type' not in entries else dict(model=entries)
        )
    else:
        raise TypeError(
            f'{name} is a {type(config).__name__}; give a path, a package::path, a dict or a Config'
        )
    if not loaded.get('model'):
        raise ValueError(f'{name} has no `model` entry (found: {sorted(loaded.keys())})')
    return loaded


def load_config(path: str | Path, name: str = 'config') -> Config:
    """Return the config in a file; whatever goes wrong in it is one ValueError.

    Args:
        path: an existing file.
        name: what to call it in the message.
    """
    try:
        return Config.fromfile(str(path))
    except Exception as error:  # a config is a program, which may raise anything
        raise ValueError(
            f'{name} cannot be read: {type(error).__name__}: {error}; correct it'
        ) from error


def build_model(config: Config) -> nn.Module:
    """Build ``config.model`` in the config's own scope; its weights are still arbitrary.

    As MMEngine's Runner does, a ``data_preprocessor`` beside the model becomes the model's.
    Pretrained weights named by ``init_cfg`` are not fetched: a checkpoint will overwrite them.
    """
    model = copy.deepcopy(config.model)  # mmdet's detectors write into the parts of theirs
    if config.get('data_preprocessor') is not None:
        model.setdefault('data_preprocessor', config.data_preprocessor)
    scope = config.get('default_scope')
    with preserved_random_state(), DefaultScope.overwrite_default_scope(scope):
        return MODELS.build(model)


def build_untrained(config: Config) -> nn.Module:
    """Build ``config.model`` with the weights it starts from; none are fetched.

    Parts whose ``init_cfg`` names pretrained weights start from their own defaults. Without this
    step some parameters are not set at all: Deformable DETR's are whatever the memory held.
    """
    config = copy.deepcopy(config)
    _forget_pretrained(config.model)
    model: Any = build_model(config)
    with preserved_random_state():
        model.init_weights()
    return model


def _forget_pretrained(part: Any) -> None:
    """Leave out the weights that a config would fetch."""
    if isinstance(part, dict):
        init = part.get('init_cfg')
        if isinstance(init, dict) and init.get('type') == 'Pretrained':
            part['init_cfg'] = None
        for value in part.values():
            _forget_pretrained(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            _forget_pretrained(value)


@contextmanager
def preserved_random_state() -> Iterator[None]:
    """Leave Python's, numpy's and torch's random states as they were found."""
    python, legacy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
