"""The types that an MMEngine checkpoint holds beside tensors, for a safe ``torch.load``.

MMEngine saves its log history: ``HistoryBuffer`` objects with numpy arrays and a table of their own
methods. Pickle writes such a method as ``getattr(HistoryBuffer, name)``; listing ``getattr`` itself
as safe, as common recipes do, hands a malicious file a way to any attribute of any listed type.
What is listed here under that name gives the methods of ``HistoryBuffer`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

__all__ = ['mmengine_checkpoint_types', 'register_safe_types', 'safe_types']

_METHODS = frozenset({'mean', 'max', 'min', 'current', 'statistics'})


def _history_buffer_method(owner: Any, name: str) -> Any:
    """Stand for ``getattr`` while unpickling: methods of ``HistoryBuffer`` only."""
    if owner is not HistoryBuffer or name not in _METHODS:
        raise ValueError(f'a checkpoint may not look up {name!r} of {owner!r}')
    return getattr(owner, name)


def mmengine_checkpoint_types() -> list[Any]:
    """Return what ``torch.serialization.safe_globals`` needs for a checkpoint of MMEngine."""
    multiarray = getattr(np, '_core', None) or np.core
    reconstruct, scalar = multiarray.multiarray._reconstruct, multiarray.multiarray.scalar
    numeric = [type(np.dtype(kind)) for kind in (bool, np.int32, np.int64, np.float32, np.float64)]
    types: list[Any] = [HistoryBuffer, np.ndarray, np.dtype, *numeric]
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        types += [(reconstruct, f'{module}._reconstruct'), (scalar, f'{module}.scalar')]
    return [*types, (_history_buffer_method, 'builtins.getattr')]


@contextmanager
def safe_types() -> Iterator[None]:
    """Let ``torch.load(weights_only=True)`` read MMEngine's checkpoints inside this block.

    What :func:`register_safe_types` has registered stays so afterwards; torch's own context
    manager would take it away at its end.
    """
    known = torch.serialization.get_safe_globals()
    types = [entry for entry in mmengine_checkpoint_types() if entry not in known]
    with torch.serialization.safe_globals(types):
        yield


def register_safe_types() -> None:
    """Let ``torch.load`` read MMEngine's own checkpoints, so that runs resume on torch >= 2.6.

    The upstream line's MMEngine calls ``torch.load`` with its default, which refuses
    ``HistoryBuffer``; the maintained line does not need this and is not changed by it.
    """
    torch.serialization.add_safe_globals(mmengine_checkpoint_types())
