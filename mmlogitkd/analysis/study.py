"""Study files: which students of which teachers to compare, over which seeds, by what."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmlogitkd.teacher.checkpoint import is_url

from .metrics import Metric, read_metrics
from .unique_yaml import read_yaml

__all__ = ['TEACHER', 'Pair', 'Study', 'load_study', 'slug']

TEACHER = 'teacher'
_PAIR = {'teacher', 'students'}
_PAIR_OPTIONAL = {'published'}
_STUDY = {'title', 'seeds'}
_STUDY_OPTIONAL = {'metrics', 'scale', 'digits', 'published_as'}


@dataclass(frozen=True)
class Pair:
    """A teacher and its students.

    Attributes:
        name: Heading in the table, empty in a study of one pair.
        teacher: Config of the teacher.
        checkpoint: The teacher's weights, a path or a URL; None if the study trains it.
        students: Name in the table to config; the first one is what the others are compared with.
        options: What students change in their configs, ``key=value`` for ``--cfg-options``.
        published: The papers' numbers by the students' names and ``'teacher'``, in the scale of
            the table.
    """

    name: str
    teacher: Path
    checkpoint: str | None
    students: dict[str, Path]
    options: dict[str, tuple[str, ...]]
    published: dict[str, float]

    def config(self, name: str) -> Path:
        """Return the config of a student or of the ``'teacher'``."""
        return self.teacher if name == TEACHER else self.students[name]


@dataclass(frozen=True)
class Study:
    """What a study file says.

    Attributes:
        title: Heading of the table.
        pairs: What to compare.
        seeds: One training per student and seed. A teacher takes the first.
        metrics: What to compare by, the leading one first.
        published_as: Heading of the published numbers.
    """

    title: str
    pairs: tuple[Pair, ...]
    seeds: tuple[int, ...]
    metrics: tuple[Metric, ...]
    published_as: str


def load_study(path: str | Path) -> Study:
    """Read a study file; the paths in it are relative to it.

    A file without ``pairs`` is one pair, and has ``teacher`` and ``students`` itself.

    Raises:
        ValueError: If the file lacks something or names a config that does not exist. Whether a
            teacher's checkpoint exists is seen when the study is planned.
    """
    path = Path(path)
    where = f"'{path}'"
    content = read_yaml(path)
    if isinstance(content, dict) and 'pairs' in content:
        _check_keys(where, content, _STUDY | {'pairs'}, _STUDY_OPTIONAL)
        if not isinstance(content['pairs'], dict) or not content['pairs']:
            raise ValueError(f'{where}: pairs must map names to pairs, got {content["pairs"]!r}')
        _check_names(f'{where}, pairs', list(content['pairs']))
        pairs = [
            _pair(f"{where}, pair '{name}'", path.parent, name, pair)
            for name, pair in content['pairs'].items()
        ]
    else:
        _check_keys(where, content, _STUDY | _PAIR, _STUDY_OPTIONAL | _PAIR_OPTIONAL)
        own = {key: content[key] for key in _PAIR | _PAIR_OPTIONAL if key in content}
        pairs = [_pair(where, path.parent, '', own)]
    texts = {key: content.get(key, "Papers'") for key in ('title', 'published_as')}
    for key, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f'{where}: {key} must be text, got {text!r}')
    return Study(
        title=texts['title'],
        pairs=tuple(pairs),
        seeds=_seeds(where, content['seeds']),
        metrics=read_metrics(path, content),
        published_as=texts['published_as'],
    )


def slug(name: str) -> str:
    """Return a name for files: lower-case letters and digits of ASCII, the rest as hyphens."""
    return re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')


def _pair(where: str, folder: Path, name: str, content: Any) -> Pair:
    _check_keys(where, content, _PAIR, _PAIR_OPTIONAL)
    students = content['students']
    if not isinstance(students, dict) or not students or TEACHER in students:
        raise ValueError(
            f"{where}: students must map names to configs, at least one and none named 'teacher', "
            f'got {students!r}'
        )
    _check_names(where, [TEACHER, *students])
    teacher, checkpoint = content['teacher'], None
    if isinstance(teacher, dict):
        _check_keys(f'{where}, teacher', teacher, {'config', 'checkpoint'}, set())
        teacher, checkpoint = teacher['config'], teacher['checkpoint']
        if not isinstance(checkpoint, str):
            raise ValueError(f"{where}: the teacher's checkpoint must be text, got {checkpoint!r}")
        if not is_url(checkpoint):
            checkpoint = str((folder / checkpoint).resolve())
    configs, options = {TEACHER: teacher, **students}, {}
    for student, value in students.items():
        if isinstance(value, dict):
            configs[student], options[student] = _changed(f"{where}, student '{student}'", value)
    if wrong := [config for config in configs.values() if not isinstance(config, str)]:
        raise ValueError(f'{where}: configs must be paths, got {wrong!r}')
    paths = {key: (folder / config).resolve() for key, config in configs.items()}
    if missing := [str(config) for config in paths.values() if not config.is_file()]:
        raise ValueError(f'{where} names configs that do not exist: {", ".join(missing)}')
    published = content.get('published', {})
    _check_published(where, published, list(configs))
    return Pair(name, paths.pop(TEACHER), checkpoint, paths, options, published)


def _changed(where: str, content: dict) -> tuple[Any, tuple[str, ...]]:
    """Read a student that changes its config: the config, and the changes for the command line."""
    _check_keys(where, content, {'config', 'options'}, set())
    options = content['options']
    plain = (bool, int, float, str, list, type(None))
    if not isinstance(options, dict) or not all(isinstance(v, plain) for v in options.values()):
        raise ValueError(
            f'{where}: options must map keys of the config, with dots between, to plain values or '
            f'lists, got {options!r}'
        )
    return content['config'], tuple(
        f'{key}={str(value).replace(" ", "") if isinstance(value, list) else value}'
        for key, value in options.items()
    )


def _check_keys(where: str, content: Any, required: set[str], optional: set[str]) -> None:
    if not isinstance(content, dict) or not required <= set(content) <= required | optional:
        may = f', may have {", ".join(sorted(optional))},' if optional else ''
        got = list(content) if isinstance(content, dict) else content
        raise ValueError(
            f'{where} must have {", ".join(sorted(required))}{may} and nothing else, got {got!r}'
        )


def _check_names(where: str, names: Sequence[Any]) -> None:
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise ValueError(f'{where}: names must be text, got {wrong!r}; YAML needs quotes there')
    if wrong := [name for name in names if not slug(name)]:
        raise ValueError(f'{where}: names need a letter or digit of ASCII for files, got {wrong!r}')
    if len({slug(name) for name in names}) < len(names):
        raise ValueError(f'{where}: names must differ in more than signs: {names}')


def _check_published(where: str, published: Any, legal: Sequence[str]) -> None:
    if not isinstance(published, dict):
        raise ValueError(f'{where}: published must map names to numbers, got {published!r}')
    if unknown := [name for name in published if name not in legal]:
        raise ValueError(
            f'{where}: published has {unknown!r}, which are not among the names of the pair: '
            f'{", ".join(legal)}; leave them out or add the students'
        )
    for name, value in published.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            raise ValueError(f'{where}: published {name} must be a number, got {value!r}')


def _seeds(where: str, seeds: Any) -> tuple[int, ...]:
    whole = isinstance(seeds, list) and all(type(seed) is int and seed >= 0 for seed in seeds)
    if not whole or not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(
            f'{where}: seeds must be a list of different whole numbers from 0, got {seeds!r}'
        )
    return tuple(seeds)
