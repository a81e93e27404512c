"""Tables of a study: mean and spread over the seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from rich.table import Table

from .metrics import DASH, Metric
from .study import Result

__all__ = ['Row', 'markdown_table', 'rich_table', 'summarise']

_NOTE = (
    f'{DASH}: no value in the log. For COCO metrics: the detector has found nothing at all, '
    'or there are no objects of that kind.'
)


@dataclass(frozen=True)
class Row:
    """One method's results.

    Attributes:
        name: Name of the method.
        values: The leading metric per seed, in the order of the seeds.
        others: Means of the other metrics over the seeds.
        seconds: Mean duration of a run.
    """

    name: str
    values: tuple[float | None, ...]
    others: tuple[float | None, ...]
    seconds: float

    @property
    def mean(self) -> float | None:
        """Mean over the seeds, None if one has no value."""
        return _mean(self.values)

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over the seeds, None for one seed or where one has no value."""
        known = [value for value in self.values if value is not None]
        return stdev(known) if len(known) == len(self.values) > 1 else None


def summarise(
    results: Iterable[Result], names: Sequence[str], metrics: Sequence[Metric]
) -> list[Row]:
    """Group results by name, in the order of ``names``; names without results are left out."""
    results = sorted(results, key=lambda result: result.seed)
    rows = []
    for name in names:
        mine = [result for result in results if result.name == name]
        if mine:
            values, *others = (
                tuple(metric.of(result.validations[-1]) for result in mine) for metric in metrics
            )
            seconds = fmean(result.seconds for result in mine)
            rows.append(Row(name, values, tuple(map(_mean, others)), seconds))
    return rows


def markdown_table(rows: Sequence[Row], reference: str, metrics: Sequence[Metric]) -> str:
    """Return a table in Markdown.

    Args:
        rows: One per method.
        reference: Name of the row that the others' gains refer to.
        metrics: What the rows were made with.
    """
    header = _header(reference, metrics)
    lines = [header, (':--', *['--:'] * (len(header) - 1)), *_cells(rows, reference, metrics)]
    table = ''.join(f'| {" | ".join(line)} |\n' for line in lines)
    return table + (f'\n{_NOTE}\n' if _lacks(rows) else '')


def rich_table(rows: Sequence[Row], reference: str, metrics: Sequence[Metric], title: str) -> Table:
    """Return the same table for a terminal."""
    table = Table(title=title, caption=_NOTE if _lacks(rows) else None)
    for index, cell in enumerate(_header(reference, metrics)):
        table.add_column(cell, justify='right' if index else 'left')
    for line in _cells(rows, reference, metrics):
        table.add_row(*line)
    return table


def _header(reference: str, metrics: Sequence[Metric]) -> tuple[str, ...]:
    leading, *others = (metric.name for metric in metrics)
    return (
        'Method',
        f'{leading}, mean ± sd',
        f'Over {reference}',
        *others,
        'Every seed',
        'Seconds',
    )


def _cells(rows: Sequence[Row], reference: str, metrics: Sequence[Metric]) -> list[tuple[str, ...]]:
    leading, *others = metrics
    base = next((row.mean for row in rows if row.name == reference), None)
    cells: list[tuple[str, ...]] = []
    for row in rows:
        spread = '' if row.spread is None else f' ± {leading.show(row.spread)}'
        gain = ''
        if row.name != reference and base is not None and row.mean is not None:
            gain = leading.show(row.mean - base, '+')
        cells.append(
            (
                row.name,
                f'{leading.show(row.mean)}{spread}',
                gain,
                *(metric.show(mean) for metric, mean in zip(others, row.others, strict=True)),
                ', '.join(map(leading.show, row.values)),
                f'{row.seconds:.0f}',
            )
        )
    return cells


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None


def _lacks(rows: Sequence[Row]) -> bool:
    return any(value is None for row in rows for value in (*row.values, *row.others))
