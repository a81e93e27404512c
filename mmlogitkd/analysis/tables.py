"""Tables of a study: for readers mean and spread over the seeds, for programs every run."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from .markdown import pipe_table
from .metrics import DASH, Metric
from .results import Result
from .rows import Block, Row
from .runs import Group, Run

__all__ = ['markdown_table', 'rich_table', 'write_csv']

_MISSING = '?'
_NOTES = {
    DASH: f'{DASH}: no value in the log. For COCO metrics: the detector has found nothing at all, '
    'or there are no objects of that kind.',
    _MISSING: f'{_MISSING}: no result yet; "(2 of 3)" is a mean over two of three seeds.',
}


def markdown_table(
    blocks: Sequence[Block], metrics: Sequence[Metric], published_as: str = "Papers'"
) -> str:
    """Return a table in Markdown.

    Args:
        blocks: The rows, pair by pair; the name of a pair is a row of its own.
        metrics: What to show, the leading one with its spread, gain and every seed.
        published_as: Heading of the papers' numbers; without any there is no such column.
    """
    header = _header(blocks, metrics, published_as)
    lines: list[list[str]] = []
    for block in blocks:
        if block.pair:
            lines.append([f'**{block.pair}**', *[''] * (len(header) - 1)])
        lines += _cells(block, metrics, _published(blocks))
    table = pipe_table(header, [':--', *['--:'] * (len(header) - 1)], lines)
    return table + ''.join(f'\n{note}\n' for note in _notes(blocks, metrics))


def rich_table(
    blocks: Sequence[Block], metrics: Sequence[Metric], title: str, published_as: str = "Papers'"
) -> Table:
    """Return the same table for a terminal."""
    notes = ' '.join(_notes(blocks, metrics))
    table = Table(title=escape(title), caption=escape(notes) or None)
    for index, cell in enumerate(_header(blocks, metrics, published_as)):
        table.add_column(escape(cell), justify='right' if index else 'left')
    for block in blocks:
        if block.pair:
            table.add_section()
            table.add_row(f'[bold]{escape(block.pair)}[/]')
        for line in _cells(block, metrics, _published(blocks)):
            table.add_row(*map(escape, line))
    return table


def write_csv(
    path: Path,
    groups: Sequence[Group],
    results: Mapping[Run, Result],
    metrics: Sequence[Metric],
    base: Path,
) -> None:
    """Write one line per result; a run that several pairs share stands in each of them.

    Args:
        path: File to write.
        groups: What the table shows.
        results: What there is of it.
        metrics: What to write, in the table's scale; six digits are what single precision has.
        base: Folder that the configs' paths are written relative to.
    """
    with path.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        measured = [*(metric.name for metric in metrics), 'seconds']
        writer.writerow(['pair', 'method', 'seed', *measured, 'config', 'options', 'folder'])
        for group in groups:
            for entry in group.entries:
                for run in entry.runs:
                    if (result := results.get(run)) is None:
                        continue
                    values = [metric.of(result.validations[-1]) for metric in metrics]
                    config = Path(os.path.relpath(run.config, base)).as_posix()
                    digits = ['' if value is None else f'{value:.6g}' for value in values]
                    cells = [*digits, result.seconds, config, ' '.join(run.options)]
                    writer.writerow([group.pair, entry.name, run.seed, *cells, run.folder.name])


def _header(blocks: Sequence[Block], metrics: Sequence[Metric], published_as: str) -> list[str]:
    leading, *others = (metric.name for metric in metrics)
    references = {block.reference for block in blocks}
    return [
        'Method',
        f'{leading}, mean ± sd',
        f'Over {references.pop() if len(references) == 1 else "the first student"}',
        *([published_as] if _published(blocks) else []),
        *others,
        'Every seed',
        'Seconds',
    ]


def _cells(block: Block, metrics: Sequence[Metric], published: bool) -> list[list[str]]:
    leading, *others = metrics
    cells = []
    for row in block.rows:
        gain = None if row.name == block.reference else block.gain(row, leading)
        cells.append(
            [
                row.name,
                _mean(row, leading, spread=True),
                '' if gain is None else leading.show(gain, '+'),
                *([_optional(row.published, leading)] if published else []),
                *(_mean(row, metric) for metric in others),
                ', '.join(_seed(result, leading) for result in row.results),
                '' if row.seconds is None else f'{row.seconds:.0f}',
            ]
        )
    return cells


def _mean(row: Row, metric: Metric, spread: bool = False) -> str:
    if not row.known:
        return _MISSING
    text = metric.show(row.mean(metric))
    if spread and (deviation := row.spread(metric)) is not None:
        text += f' ± {metric.show(deviation)}'
    return text if row.complete else f'{text} ({len(row.known)} of {len(row.results)})'


def _seed(result: Result | None, metric: Metric) -> str:
    return _MISSING if result is None else metric.show(metric.of(result.validations[-1]))


def _optional(value: float | None, metric: Metric) -> str:
    return '' if value is None else metric.show(value)


def _published(blocks: Sequence[Block]) -> bool:
    return any(row.published is not None for block in blocks for row in block.rows)


def _notes(blocks: Sequence[Block], metrics: Sequence[Metric]) -> list[str]:
    rows = [row for block in blocks for row in block.rows]
    lacks = {
        DASH: any(
            value is None for row in rows for metric in metrics for value in row.values(metric)
        ),
        _MISSING: not all(row.complete for row in rows),
    }
    return [_NOTES[sign] for sign, lacking in lacks.items() if lacking]
