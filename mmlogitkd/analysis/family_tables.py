"""The table of detector families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from textwrap import shorten

from rich.box import SIMPLE_HEAD
from rich.table import Table

from .family_steps import Outcome
from .markdown import pipe_table

__all__ = ['family_markdown', 'family_table', 'reason_of']

_HEADER = ('Detector', 'Distils by', 'Rows × columns', 'ms/step', 'Teacher', 'Loss')
_REASON = 120  # characters of a refusal that are shown


def family_markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the table in Markdown, refusals with their reasons."""
    alignments = (':--', ':--', '--:', '--:', '--:', '--:', ':--')
    rows = ((*_cells(outcome), reason_of(outcome)) for outcome in outcomes)
    return pipe_table((*_HEADER, 'Why not'), alignments, rows)


def family_table(outcomes: Sequence[Outcome], title: str) -> Table:
    """Return the table for a terminal of 80 columns, without the reasons."""
    table = Table(title=title, box=SIMPLE_HEAD)
    for index, cell in enumerate(_HEADER):
        table.add_column(cell, justify='right' if index > 1 else 'left')
    for outcome in outcomes:
        table.add_row(*_cells(outcome))
    return table


def reason_of(outcome: Outcome) -> str:
    """Return why a detector has no numbers: the first words of a refusal, an error in full."""
    if outcome.verdict != 'refused':
        return outcome.reason
    return shorten(outcome.reason.split('. ')[0], _REASON, placeholder=' …')


def _cells(outcome: Outcome) -> tuple[str, ...]:
    """The cells below the header."""
    if outcome.verdict != 'yes':
        return outcome.family.name, outcome.verdict, '', '', '', ''
    counts = Counter(outcome.rows)
    rows = ' + '.join(
        f'{rows}' if times == 1 else f'{times}·{rows}' for rows, times in counts.items()
    )
    return (
        outcome.family.name,
        outcome.loss,
        f'{rows} × {outcome.columns}',
        f'{1000 * outcome.step:.0f}',
        f'{100 * outcome.teacher:.0f} %',
        f'{100 * outcome.losses:.1f} %',
    )
