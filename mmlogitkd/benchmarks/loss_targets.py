"""What the losses must reach, on a CPU with two cores and in float32."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ['GROWTH', 'SPEED', 'Target', 'in_words', 'missed', 'verdicts']


@dataclass(frozen=True)
class Target:
    """A bound on one number of a row.

    Attributes:
        key: The number.
        where: Values that the row must have for the target to apply.
        unless: Values with which it does not.
        least: Lower bound, or None.
        most: Upper bound, or None.
        unit: What follows the bound in a table.
        tolerance: How far the number may be past the bound, relative to it.
    """

    key: str
    where: Mapping[str, Any]
    unless: Mapping[str, Any] = field(default_factory=dict)
    least: float | None = None
    most: float | None = None
    unit: str = ''
    tolerance: float = 0.0

    def applies(self, row: Mapping[str, Any]) -> bool:
        """Whether the row is one that the target is about."""
        return all(row[key] == value for key, value in self.where.items()) and not any(
            row[key] == value for key, value in self.unless.items()
        )

    def met(self, row: Mapping[str, Any]) -> bool | None:
        """Whether the row reaches it; None if the number was not measured."""
        value = row[self.key]
        if value is None:
            return None
        if self.least is not None and value < self.least * (1 - self.tolerance):
            return False
        return self.most is None or value <= self.most * (1 + self.tolerance)

    def __str__(self) -> str:
        bound = f'≥ {self.least:g}' if self.least is not None else f'≤ {self.most:g}'
        return bound + self.unit


def _ldrld(rows: int, classes: int) -> dict[str, Any]:
    return {'loss': 'LDRLD', 'rows': rows, 'classes': classes}


SPEED = (
    Target('speed_up', _ldrld(64, 100), least=10, unit='×'),
    Target('speed_up', _ldrld(256, 1000), least=20, unit='×'),
    Target('speed_up', _ldrld(1024, 81), least=10, unit='×'),
    Target('to_kd', _ldrld(256, 1000), most=2.5, unit=' KD'),
    # The tolerance is for the clock: of two equal pieces of work, one always comes out slower.
    Target('speed_up', {}, unless={'loss': 'LDRLD'}, least=1, unit='×', tolerance=0.03),
)
"""LDRLD at least 10 or 20 times as fast as its straightforward form and at most 2.5 times KD's
time; every other loss not slower than its straightforward form."""

GROWTH = (
    Target('exponent', {'loss': 'LDRLD', 'against': 'N'}, most=1.1),
    Target('exponent', {'loss': 'LDRLD', 'against': 'C'}, most=1.1),
    Target('exponent', {'loss': 'LDRLD', 'against': 'd'}, most=2),
)
"""LDRLD linear in rows, at most linear in classes, at most quadratic in its depth."""


def verdicts(targets: tuple[Target, ...], row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what is asked of a row, and whether it is met, as plain values."""
    return [
        {'target': str(target), 'of': target.key, 'met': target.met(row)}
        for target in targets
        if target.applies(row)
    ]


def in_words(found: list[dict[str, Any]]) -> str:
    """Return verdicts as the text of a table's cell."""
    words = {True: 'met', False: 'missed', None: 'not measured'}
    return ', '.join(f'{one["target"]} {words[one["met"]]}' for one in found)


def missed(rows: list[dict[str, Any]]) -> int:
    """Return how many targets the rows miss; what was not measured is not missed."""
    return sum(verdict['met'] is False for row in rows for verdict in row['targets'])
