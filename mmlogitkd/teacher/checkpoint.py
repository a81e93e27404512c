"""Reading a teacher's checkpoint: safe to unpickle, strict about every tensor."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import barrier, get_rank, is_distributed
from torch import nn

from ..utils.safe_types import safe_types

__all__ = ['differences', 'is_url', 'load_strictly', 'local_file', 'read_checkpoint', 'weights_of']

_SHOWN = 8  # names listed per kind of mismatch; the counts are always complete


def read_checkpoint(path: str, trust: bool = False) -> dict[str, Any]:
    """Read a checkpoint file or URL onto the CPU.

    Args:
        path: a file, or an ``http(s)://`` URL (downloaded once into torch's hub cache, its hash
            checked where the file name carries one).
        trust: allow arbitrary pickled objects. Unpickling them runs code from the file.

    Returns:
        The checkpoint dict as saved.

    Raises:
        FileNotFoundError: ``path`` is no file.
        ValueError: an unsupported scheme, an unreadable file, or a file that holds more than
            tensors and the types that MMEngine saves, while ``trust`` is False.
    """
    if is_url(path):
        path = _download(path)
    elif '://' in path:
        raise ValueError(
            f'checkpoint {path!r}: only files and http(s) URLs are read; '
            'download the file and give its path'
        )
    file = local_file(path)
    if not file.is_file():
        raise FileNotFoundError(
            f'checkpoint {path!r} does not exist (seen from {Path.cwd()}); '
            'give the path of a trained checkpoint'
        )
    try:
        with safe_types():
            checkpoint = torch.load(file, map_location='cpu', weights_only=not trust)
    except Exception as error:
        hint = (
            ''
            if trust
            else (
                '. If it needs more types than tensors and what MMEngine saves, and you trust '
                'its source (unpickling runs code from it), say so: teacher.trust_checkpoint=True '
                'in a config, --trust for a program'
            )
        )
        reason = ': '.join([type(error).__name__, *str(error).splitlines()[:1]]).rstrip('.')
        raise ValueError(
            f'checkpoint {path!r} ({file.stat().st_size:,} bytes) cannot be read: {reason}. An '
            f'incomplete file must be fetched again{hint}'
        ) from error
    if not isinstance(checkpoint, Mapping):
        raise ValueError(
            f'checkpoint {path!r} holds a {type(checkpoint).__name__}; a state dict or a '
            "dict with a 'state_dict' entry is expected"
        )
    return dict(checkpoint)


def is_url(path: str) -> bool:
    """Return whether a checkpoint is somewhere on the web."""
    return path.startswith(('http://', 'https://'))


def local_file(path: str) -> Path:
    """Return where a checkpoint is or, for a URL, where torch's hub keeps its copy."""
    if is_url(path):
        return Path(torch.hub.get_dir()) / 'checkpoints' / Path(path.split('?')[0]).name
    return Path(path).expanduser()


def _download(url: str) -> str:
    """Fetch ``url`` into torch's hub cache, rank 0 first, and return the file's path."""
    file = local_file(url)
    if get_rank() == 0 and not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        match = re.search(r'-([a-f0-9]{8,})\.', file.name)
        try:
            torch.hub.download_url_to_file(url, str(file), match.group(1) if match else None)
        except Exception as error:
            raise ValueError(
                f'checkpoint {url!r} cannot be downloaded ({error}); fetch the file by '
                f'other means and give its path, or put it at {file}'
            ) from error
    if is_distributed():
        barrier()
    return str(file)


def weights_of(checkpoint: Mapping[str, Any]) -> OrderedDict[str, torch.Tensor]:
    """Return the state dict of a checkpoint, without the prefix that DDP adds."""
    weights = checkpoint.get('state_dict', checkpoint)
    return OrderedDict((key.removeprefix('module.'), value) for key, value in weights.items())


def load_strictly(
    model: nn.Module,
    weights: Mapping[str, torch.Tensor],
    source: str,
    ignore_keys: Sequence[str] = (),
) -> str:
    """Load every tensor of ``model`` from ``weights``, or stop with a report.

    Args:
        model: the built teacher.
        weights: its state dict.
        source: what to call the checkpoint in messages.
        ignore_keys: regular expressions; entries of ``weights`` that match from their start are
            left out. Nothing of the model may be missing all the same.

    Returns:
        One line that says what was loaded.

    Raises:
        RuntimeError: a missing, unexpected or misshapen tensor; the message lists them.
    """
    ignored = [key for key in weights if any(re.match(pattern, key) for pattern in ignore_keys)]
    kept = OrderedDict((key, value) for key, value in weights.items() if key not in set(ignored))
    expected = model.state_dict()
    try:
        model.load_state_dict(kept, strict=True)
    except RuntimeError as error:
        report = [
            f'the teacher and {source} do not match '
            f'({len(expected)} tensors expected, {len(kept)} found):',
            *differences(expected, kept),
            'Give the config that this checkpoint was trained with; leave out surplus entries '
            'with teacher.ignore_keys=[...] (regular expressions).',
        ]
        raise RuntimeError('\n'.join(report)) from error
    note = f', {len(ignored)} left out by ignore_keys' if ignored else ''
    return f'all {len(expected)} tensors loaded from {source}{note}'


def differences(
    expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]
) -> list[str]:
    """Return lines that name what a checkpoint lacks, has too much or in another shape.

    Args:
        expected: the model's tensors.
        found: those of the checkpoint, under the same kind of names.
    """
    ours, theirs = (
        {key: tuple(getattr(value, 'shape', ())) for key, value in tensors.items()}
        for tensors in (expected, found)
    )
    misshapen = [
        f'{key}: model {shape}, checkpoint {theirs[key]}'
        for key, shape in ours.items()
        if key in theirs and shape != theirs[key]
    ]
    return [
        *_listed('missing in the checkpoint', [key for key in ours if key not in theirs]),
        *_listed('unexpected in the checkpoint', [key for key in theirs if key not in ours]),
        *_listed('of another shape', misshapen),
    ]


def _listed(kind: str, names: Sequence[str]) -> list[str]:
    """One heading with a count and the first names, or nothing."""
    if not names:
        return []
    more = [f'    ... and {len(names) - _SHOWN} more'] if len(names) > _SHOWN else []
    return [f'  {kind}: {len(names)}', *(f'    {name}' for name in names[:_SHOWN]), *more]
