"""Tables of a study: mean and spread over the seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from rich.table import Table

from .study import Result

__all__ = ['Row', 'markdown_table', 'rich_table', 'summarise']

_HEADER = ('Method', 'Mean ± sd', 'Over the first', 'Every seed', 'Seconds')


@dataclass(frozen=True)
class Row:
    """One method's results.

    Attributes:
        name: Name of the method.
        values: Its measure per seed, in the order of the seeds.
        seconds: Mean duration of a run.
    """

    name: str
    values: tuple[float, ...]
    seconds: float

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return fmean(self.values)

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over the seeds, None for one seed."""
        return stdev(self.values) if len(self.values) > 1 else None


def summarise(results: Iterable[Result], names: Sequence[str]) -> list[Row]:
    """Group results by name, in the order of ``names``; names without results are left out."""
    results = sorted(results, key=lambda result: result.seed)
    rows = []
    for name in names:
        mine = [result for result in results if result.name == name]
        if mine:
            values = tuple(result.value for result in mine)
            rows.append(Row(name, values, fmean(result.seconds for result in mine)))
    return rows


def _cells(rows: Sequence[Row], reference: str) -> list[tuple[str, ...]]:
    base = next((row.mean for row in rows if row.name == reference), None)
    cells: list[tuple[str, ...]] = []
    for row in rows:
        spread = '' if row.spread is None else f' ± {row.spread:.2f}'
        gain = '' if base is None or row.name == reference else f'{row.mean - base:+.2f}'
        cells.append(
            (
                row.name,
                f'{row.mean:.2f}{spread}',
                gain,
                ', '.join(f'{value:.2f}' for value in row.values),
                f'{row.seconds:.0f}',
            )
        )
    return cells


def markdown_table(rows: Sequence[Row], reference: str) -> str:
    """Return a table in Markdown.

    Args:
        rows: One per method.
        reference: Name of the row that the others' gains refer to.
    """
    header = tuple(cell.replace('the first', reference) for cell in _HEADER)
    lines = [header, (':--', *['--:'] * (len(header) - 1)), *_cells(rows, reference)]
    return ''.join(f'| {" | ".join(line)} |\n' for line in lines)


def rich_table(rows: Sequence[Row], reference: str, title: str) -> Table:
    """Return the same table for a terminal."""
    table = Table(title=title)
    for index, cell in enumerate(_HEADER):
        table.add_column(cell.replace('the first', reference), justify='right' if index else 'left')
    for line in _cells(rows, reference):
        table.add_row(*line)
    return table
