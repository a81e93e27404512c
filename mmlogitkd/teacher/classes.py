"""Whether the teacher's classes are the student's, in the student's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ['class_columns', 'classes_of_checkpoint']

_SHOWN = 5


def classes_of_checkpoint(checkpoint: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the class names that MMEngine (or its predecessors) saved, if any."""
    meta = checkpoint.get('meta') or {}
    names = (meta.get('dataset_meta') or {}).get('classes') or meta.get('CLASSES')
    return tuple(map(str, names)) if names and not isinstance(names, str) else None


def class_columns(student: Sequence[str] | None, teacher: Sequence[str] | None) -> list[int] | None:
    """Return which teacher columns to take for the student's classes, in their order.

    Args:
        student: class names of the training set, None if it has none.
        teacher: class names in the teacher's checkpoint, None if it has none.

    Returns:
        None where nothing has to be rearranged (equal names, or names unknown on one side);
        else one column index per student class, found by name.

    Raises:
        ValueError: a class that the teacher does not know, or a name that stands twice.
    """
    if student is None or teacher is None or tuple(student) == tuple(teacher):
        return None
    column = {name: index for index, name in enumerate(teacher)}
    if len(column) < len(teacher) or len(set(student)) < len(student):
        raise ValueError(
            'class names differ between the student and the teacher, and some stand twice, so '
            f'they cannot be matched by name. {_WAY_OUT}'
        )
    unknown = [name for name in student if name not in column]
    if unknown:
        more = f' and {len(unknown) - _SHOWN} more' if len(unknown) > _SHOWN else ''
        raise ValueError(
            f"{len(unknown)} of the student's {len(student)} classes are not among the teacher's "
            f"{len(teacher)}: {unknown[:_SHOWN]}{more}; the teacher's begin with "
            f'{list(teacher[:_SHOWN])}. {_WAY_OUT}'
        )
    return [column[name] for name in student]


_WAY_OUT = (
    'Use a teacher that was trained on these classes, or, if the two lists mean the same classes '
    "in the same order under other names, set teacher.classes='ignore'"
)
