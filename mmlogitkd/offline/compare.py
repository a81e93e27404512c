"""Comparing what a cache was made with to what is here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ['differing', 'same_or_error']

_SHOWN = 3  # changes listed in a message


def same_or_error(
    cache: str | Path, part: str, recorded: dict[str, Any], ours: dict[str, Any]
) -> None:
    """Refuse a cache of which a part differs.

    Args:
        cache: folder of the cache.
        part: ``'teacher'``, ``'data'``, ``'pipeline'``, or another word for it.
        recorded: what it was made with.
        ours: what is here; entries of ``recorded`` that it leaves out are not compared.

    Raises:
        ValueError: they differ; shows the first differences.
    """
    changes = differing({key: recorded.get(key) for key in ours}, ours)
    if changes:
        more = f' and {len(changes) - _SHOWN} more' if len(changes) > _SHOWN else ''
        raise ValueError(
            f'the cache {str(cache)!r} belongs to another {part} (cache -> here): '
            f'{"; ".join(changes[:_SHOWN])}{more}. Use what it was made with, or make another '
            'cache: python tools/cache_logits.py CONFIG --out ANOTHER'
        )


def differing(old: Any, new: Any, path: str = '') -> list[str]:
    """Return ``'path: old -> new'`` for everything that differs."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        lines = []
        for key in sorted({*old, *new}):
            lines += differing(old.get(key), new.get(key), f'{path}.{key}' if path else str(key))
        return lines
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = zip(old, new, strict=True)
        return [line for k, (a, b) in enumerate(pairs) for line in differing(a, b, f'{path}[{k}]')]
    return [] if old == new else [f'{path}: {_short(old)} -> {_short(new)}']


def _short(value: Any) -> str:
    """A value in a few words."""
    if (
        isinstance(value, list)
        and value
        and all(isinstance(v, dict) and 'type' in v for v in value)
    ):
        value = [entry['type'] for entry in value]
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 160 else f'{text[:70]} ... {text[-70:]}'
