"""What a benchmark leaves: a table to read and the same numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..analysis.environment import environment
from ..analysis.markdown import pipe_table

__all__ = ['Column', 'Report', 'is_missed', 'ratio_cell']


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        heading: What stands above it.
        cell: From a row to its text.
        number: Whether it is aligned to the right.
    """

    heading: str
    cell: Callable[[dict[str, Any]], str]
    number: bool = True


def is_missed(row: Mapping[str, Any], key: str = 'ratio') -> bool:
    """Whether a row has a ``target``, and its ratio is above it."""
    return row['target'] is not None and row[key] > row['target']


def ratio_cell(row: Mapping[str, Any], key: str = 'ratio') -> str:
    """Return a ratio, with a mark where the row's target is missed."""
    return f'{row[key]:.3f}{" (missed)" if is_missed(row, key) else ""}'


@dataclass
class Report:
    """The rows of one benchmark.

    Attributes:
        title: Heading of the table.
        settings: What the numbers depend on, besides the machine.
        columns: Columns of the table; the JSON holds all of a row.
        rows: One dict of plain values per line.
    """

    title: str
    settings: dict[str, Any]
    columns: Sequence[Column]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def table(self) -> Table:
        """Return the table for a terminal."""
        table = Table(title=self.title, box=SIMPLE_HEAD)
        for column in self.columns:
            table.add_column(column.heading, justify='right' if column.number else 'left')
        for row in self.rows:
            table.add_row(*(column.cell(row) for column in self.columns))
        return table

    def markdown(self) -> str:
        """Return the table in Markdown."""
        return pipe_table(
            [column.heading for column in self.columns],
            ['--:' if column.number else ':--' for column in self.columns],
            [[column.cell(row) for column in self.columns] for row in self.rows],
        )

    def save(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write ``<name>.json`` (machine, settings, rows) and ``<name>.md``; return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        data, text = folder / f'{name}.json', folder / f'{name}.md'
        content = {
            'title': self.title,
            'environment': environment(workers=1, threads=torch.get_num_threads()),
            'settings': self.settings,
            'rows': self.rows,
        }
        data.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')
        text.write_text(f'# {self.title}\n\n{self.markdown()}', encoding='utf-8')
        return data, text
