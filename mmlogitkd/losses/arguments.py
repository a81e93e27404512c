"""Checks of constructor arguments: each returns the value, or says what is legal."""

import math
from typing import Any

from mmlogitkd.functional.reduction import REDUCTIONS


def number(name: str, value: Any, positive: bool = False) -> float:
    """Return ``value`` if it is a finite number >= 0 (> 0 with ``positive``), else ValueError."""
    legal = f'a finite number {">" if positive else ">="} 0'
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f'{name} must be {legal}, got {value!r} of type {type(value).__name__}')
    if not math.isfinite(value) or value < 0 or (positive and value == 0):
        raise ValueError(f'{name} must be {legal}, got {value!r}')
    return value


def count(name: str, value: Any) -> int:
    """Return ``value`` if it is an integer >= 1, else ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f'{name} must be an integer >= 1, got {value!r}')
    return value


def flag(name: str, value: Any) -> bool:
    """Return ``value`` if it is a bool, else ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f'{name} must be True or False, got {value!r}')
    return value


def sequence(name: str, value: Any) -> tuple[Any, ...]:
    """Return ``value`` as a tuple if it is a non-empty list or tuple, else ValueError."""
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f'{name} must be a list or tuple with an entry or more, got {value!r}')
    return tuple(value)


def reduction(value: Any, per_row: bool) -> str:
    """Return ``value`` if it names a reduction that the loss has, else ValueError."""
    if value not in REDUCTIONS:
        raise ValueError(f'reduction must be one of {REDUCTIONS}, got {value!r}')
    if value == 'none' and not per_row:
        raise ValueError(
            "reduction 'none' asks for one value per row, and this loss has none: its terms couple "
            "the rows of the batch; use 'mean' or 'sum'"
        )
    return value
