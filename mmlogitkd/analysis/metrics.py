"""The measures that a study compares by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ['DASH', 'Metric', 'read_metrics']

DASH = '–'  # where there is no value


@dataclass(frozen=True)
class Metric:
    """A measure of a study.

    Attributes:
        name: Its name in the table.
        key: Its key in MMEngine's log.
        scale: Factor from the log to the table.
        digits: Digits after the point.
    """

    name: str
    key: str
    scale: float = 1.0
    digits: int = 2

    def of(self, validation: Mapping[str, float | None]) -> float | None:
        """Return a validation's value in the table's scale, None where it has none."""
        value = validation.get(self.key)
        return None if value is None else self.scale * value

    def show(self, value: float | None, sign: str = '') -> str:
        """Write a value of the table's scale; ``sign='+'`` also says that it is positive."""
        return DASH if value is None else f'{value:{sign}.{self.digits}f}'


def read_metrics(path: Path, content: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Read what a study file says of its metrics; top-1 accuracy where it says nothing.

    Args:
        path: The study file, for messages.
        content: Its content: ``metrics`` (name to key), ``scale`` and ``digits`` (of all).

    Raises:
        ValueError: One of them is not what it should be.
    """
    keys = content.get('metrics', {'top-1': 'accuracy/top1'})
    if not isinstance(keys, dict) or not keys or not all(isinstance(k, str) for k in keys.values()):
        raise ValueError(f"'{path}': metrics must map names to keys of the log, got {keys!r}")
    scale, digits = content.get('scale', 1), content.get('digits', 2)
    if not isinstance(scale, (int, float)) or not math.isfinite(scale) or scale <= 0:
        raise ValueError(f"'{path}': scale must be a positive number, got {scale!r}")
    if not isinstance(digits, int) or digits < 0:
        raise ValueError(f"'{path}': digits must be a whole number from 0, got {digits!r}")
    return tuple(Metric(str(name), key, scale, digits) for name, key in keys.items())
