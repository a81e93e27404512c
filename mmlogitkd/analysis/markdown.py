"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ['pipe_table']


def pipe_table(
    header: Sequence[str], alignments: Sequence[str], rows: Iterable[Sequence[str]]
) -> str:
    """Return a table, a line per row; what would end a cell or a row is escaped.

    Args:
        header: Headings of the columns.
        alignments: Their alignments, such as ``':--'`` and ``'--:'``.
        rows: The cells.
    """
    lines = (
        ' | '.join(cell.replace('|', r'\|').replace('\n', ' ') for cell in line)
        for line in (header, alignments, *rows)
    )
    return ''.join(f'| {line} |\n' for line in lines)
