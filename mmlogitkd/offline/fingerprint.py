"""What a cache belongs to: its teacher, its data and its pipeline, in a form that is compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from mmengine.config import Config

from ..teacher.build import read_config
from ..teacher.checkpoint import is_url, local_file

__all__ = [
    'data_fingerprint',
    'library_versions',
    'pipeline_fingerprint',
    'sha256_of',
    'teacher_fingerprint',
]

# where files come from, and weights that a checkpoint replaces
IGNORED_KEYS = frozenset({'backend_args', 'file_client_args', 'init_cfg', 'pretrained'})
LIBRARIES = ('cv2', 'PIL', 'mmcv', 'torchvision', 'mmpretrain', 'numpy', 'torch')


def teacher_fingerprint(
    config: str | Path | Mapping[str, Any] | Config | None,
    checkpoint: str | None,
    **options: Any,
) -> dict[str, Any]:
    """Describe a teacher; what is None is left out.

    Args:
        config: as :class:`mmlogitkd.teacher.Teacher` takes it.
        checkpoint: file or URL. Of a URL that is not in torch's hub cache, only the address is
            known.
        **options: what else decides its answers.

    Raises:
        FileNotFoundError: the checkpoint does not exist.
    """
    found = {key: value for key, value in options.items() if value is not None}
    if config is not None:
        loaded = read_config(config)
        found['model'] = {'model': loaded.model, 'data': loaded.get('data_preprocessor')}
    if checkpoint is not None:
        file = local_file(checkpoint)
        if is_url(checkpoint):
            found['url'] = checkpoint
        elif not file.is_file():
            raise FileNotFoundError(
                f'teacher.checkpoint={checkpoint!r} does not exist (seen from {Path.cwd()}). Give '
                "the file that the cache was made with, or teacher.checkpoint=None: the cache's "
                'own record of its teacher is then taken as it is'
            )
        if file.is_file():
            found['checkpoint'] = sha256_of(file)
    return _plain(found)


def sha256_of(file: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open('rb') as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def data_fingerprint(dataset: Any, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Describe a training set: its type, length, classes, and a hash over its list.

    The hash covers every sample's entry, of paths the last folder and the name, so that the same
    data in another place is the same. A dataset without ``get_data_info`` has no list that could be
    seen; there the checksums of the images alone decide.

    Args:
        dataset: the wrapped dataset.
        known: the fingerprint that this one will be compared with. Where MMEngine's serialised
            list has the same bytes, its entries are not read one by one. (Equal lists can have
            other bytes, so these are noted, but not compared.)
    """
    info = getattr(dataset, 'get_data_info', None)
    metainfo = getattr(dataset, 'metainfo', None) or {}
    serialised = getattr(dataset, 'data_bytes', None)
    found: dict[str, Any] = {
        'type': type(dataset).__name__,
        'length': len(dataset),
        'classes': list(metainfo.get('classes') or ()),
        'list': None,
    }
    serial = None
    if isinstance(serialised, np.ndarray) and serialised.size:
        serial = hashlib.sha256(serialised.data).hexdigest()
    if known is None:
        found['bytes'] = serial
    if known and serial and serial == known.get('bytes'):
        found['list'] = known.get('list')
    elif info is not None:
        digest = hashlib.sha256()
        for index in range(len(dataset)):
            for part in _parts(info(index)):
                digest.update(part)
        found['list'] = digest.hexdigest()
    return found


def pipeline_fingerprint(dataset: Any, preprocessor: Any) -> dict[str, Any]:
    """Describe what happens to an image between its file and the models.

    Args:
        dataset: a :class:`ReplayDataset`.
        preprocessor: the student's data preprocessor; its normalisation is another matter.
    """
    transforms = _pipelines(dataset.config) if dataset.config else _built(dataset.dataset)
    return _plain(
        {
            'transforms': transforms,
            'preprocessor': type(preprocessor).__name__,
            'padding': [
                getattr(preprocessor, 'pad_size_divisor', 1),
                getattr(preprocessor, 'pad_value', 0),
            ],
        }
    )


def library_versions() -> dict[str, str]:
    """Versions of what decodes and transforms images. They are noted, the checksums decide."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = str(getattr(import_module(name), '__version__', 'unknown'))
        except ImportError:
            continue
    return versions


def _plain(value: Any) -> Any:
    """The value as JSON gives it back: dicts sorted, tuples as lists, classes by name."""
    if isinstance(value, Mapping):
        items = sorted(value.items())
        return {str(key): _plain(entry) for key, entry in items if key not in IGNORED_KEYS}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return getattr(value, '__qualname__', None) or repr(value)


def _pipelines(config: Any) -> list[Any]:
    """Every pipeline in a dataset's config, in order."""
    if isinstance(config, (list, tuple)):
        return [found for entry in config for found in _pipelines(entry)]
    if not isinstance(config, Mapping):
        return []
    own = list(config.get('pipeline') or ())
    return own + [
        found for key, entry in config.items() if key != 'pipeline' for found in _pipelines(entry)
    ]


def _built(dataset: Any) -> list[Any]:
    """The transforms of a dataset that was given built, as they print themselves."""
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    nested = [found for part in inner if part is not None for found in _built(part)]
    return [repr(transform) for transform in transforms] + nested


def _parts(value: Any) -> Iterator[bytes]:
    """The bytes of one entry of a data list; of paths, the last two parts."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield str(key).encode() + b'='
            yield from _parts(value[key])
    elif isinstance(value, (list, tuple)):
        yield f'[{len(value)}'.encode()
        for entry in value:
            yield from _parts(entry)
    elif isinstance(value, np.ndarray):
        yield f'{value.dtype.str}{value.shape}'.encode() + value.tobytes()
    elif isinstance(value, (str, PurePath)):
        yield '/'.join(PurePath(value).parts[-2:]).encode() + b'\0'
    else:
        plain = value.item() if isinstance(value, np.generic) else value
        yield repr(plain).encode() + b'\0'
