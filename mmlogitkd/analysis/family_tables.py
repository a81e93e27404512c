"""The table of detector families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from textwrap import shorten

from rich.table import Table

from .family_steps import Outcome

__all__ = ['family_markdown', 'family_table']

_HEADER = ('Detector', 'Distils', 'Rows × columns', 'ms/step', 'Teacher', 'Loss', 'By, or why not')
_REASON = 90  # characters of a refusal that are shown


def _cells(outcome: Outcome) -> tuple[str, ...]:
    name, verdict = outcome.family.name, outcome.verdict
    if verdict == 'refused':
        sentence = outcome.reason.split('. ')[0]
        return name, verdict, '', '', '', '', shorten(sentence, _REASON, placeholder=' …')
    if verdict != 'yes':
        return name, verdict, '', '', '', '', outcome.reason
    counts = Counter(outcome.rows)
    rows = ' + '.join(
        f'{rows}' if times == 1 else f'{times}·{rows}' for rows, times in counts.items()
    )
    return (
        name,
        verdict,
        f'{rows} × {outcome.columns}',
        f'{1000 * outcome.step:.0f}',
        f'{100 * outcome.teacher:.0f} %',
        f'{100 * outcome.losses:.1f} %',
        outcome.loss,
    )


def family_markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the table in Markdown."""
    lines: list[tuple[str, ...]] = [_HEADER, (':--', ':--', '--:', '--:', '--:', '--:', ':--')]
    lines += [tuple(cell.replace('|', r'\|') for cell in _cells(outcome)) for outcome in outcomes]
    return ''.join(f'| {" | ".join(line)} |\n' for line in lines)


def family_table(outcomes: Sequence[Outcome], title: str) -> Table:
    """Return the same table for a terminal."""
    table, last = Table(title=title), len(_HEADER) - 1
    for index, cell in enumerate(_HEADER):
        table.add_column(
            cell, justify='right' if 1 < index < last else 'left', no_wrap=index < last
        )
    for outcome in outcomes:
        table.add_row(*(cell.replace('[', r'\[') for cell in _cells(outcome)))
    return table
