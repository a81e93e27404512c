"""Rows of a study's table: the results of a method over its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from .metrics import Metric
from .results import Result
from .runs import Group, Run

__all__ = ['Block', 'Row', 'summarise']


@dataclass(frozen=True)
class Row:
    """One method's results.

    Attributes:
        name: Name of the method.
        results: One per seed, None where it is missing.
        published: The papers' number, in the table's scale, if there is one.
    """

    name: str
    results: tuple[Result | None, ...]
    published: float | None = None

    @property
    def known(self) -> list[Result]:
        """The results that are there."""
        return [result for result in self.results if result is not None]

    @property
    def complete(self) -> bool:
        """Whether every seed has a result."""
        return len(self.known) == len(self.results)

    @property
    def seconds(self) -> float | None:
        """Mean duration of a run, None without results."""
        return fmean(result.seconds for result in self.known) if self.known else None

    def values(self, metric: Metric) -> list[float | None]:
        """Return a metric of the results that are there, None where the log has no value."""
        return [metric.of(result.validations[-1]) for result in self.known]

    def mean(self, metric: Metric) -> float | None:
        """Return the mean over the results that are there, None if one has no value."""
        values = [value for value in self.values(metric) if value is not None]
        return fmean(values) if values and len(values) == len(self.known) else None

    def spread(self, metric: Metric) -> float | None:
        """Return the sample standard deviation, None for one result or if one has no value."""
        values = [value for value in self.values(metric) if value is not None]
        return stdev(values) if len(values) == len(self.known) > 1 else None


@dataclass(frozen=True)
class Block:
    """A pair's rows.

    Attributes:
        pair: Name of the pair, empty in a study of one pair.
        rows: One per method, the teacher first.
        reference: Name of the method that the others are compared with.
    """

    pair: str
    rows: tuple[Row, ...]
    reference: str

    def gain(self, row: Row, metric: Metric) -> float | None:
        """Return what a method is better by than the reference, None if one has no value."""
        base = next((row.mean(metric) for row in self.rows if row.name == self.reference), None)
        mean = row.mean(metric)
        return None if mean is None or base is None else mean - base


def summarise(groups: Sequence[Group], results: Mapping[Run, Result]) -> list[Block]:
    """Put the results where the table shows them."""
    return [
        Block(
            group.pair,
            tuple(
                Row(entry.name, tuple(map(results.get, entry.runs)), entry.published)
                for entry in group.entries
            ),
            group.reference,
        )
        for group in groups
    ]
