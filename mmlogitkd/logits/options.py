"""Checks of the options that adapters have in common."""

from __future__ import annotations

from typing import Any

__all__ = ['ROWS', 'check_activation', 'check_choice', 'check_rows', 'why_without_labels']

ROWS = ('all', 'foreground', 'teacher_topk')


def check_choice(name: str, value: Any, choices: tuple[str, ...], optional: bool = True) -> None:
    """Refuse a value that is none of the choices.

    Raises:
        ValueError: names the option, the value and what is legal.
    """
    if value not in choices and not (optional and value is None):
        expected = f'{"None or " if optional else ""}one of {choices}'
        raise ValueError(f'logits.{name}={value!r}: {expected} expected')


def check_activation(activation: str | None) -> None:
    """Refuse what is no activation over the classes, None being the head's own."""
    check_choice('activation', activation, ('softmax', 'sigmoid'))


def check_rows(rows: str | None, topk: int | None) -> None:
    """Refuse an unknown selection of rows, or a ``topk`` that does not belong to it."""
    check_choice('rows', rows, ROWS)
    if (rows == 'teacher_topk') != (topk is not None) or (topk is not None and topk < 1):
        raise ValueError(
            f'logits.rows={rows!r} with logits.topk={topk!r}: topk is an integer >= 1 with '
            "rows='teacher_topk', and None otherwise"
        )


def why_without_labels(rows: str, background: bool, source: str) -> str | None:
    """Return why a head's rows have no labels, None where they have.

    Args:
        rows: which rows are compared.
        background: whether background is a column, and so a label.
        source: name of the adapter, for the message.
    """
    if rows == 'foreground' or background:
        return None
    return (
        f'rows={rows!r} of a sigmoid head hold background, which is no class there: '
        f"set logits=dict(type='mmlogitkd.{source}', rows='foreground', ...)"
    )
