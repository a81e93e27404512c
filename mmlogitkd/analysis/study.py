"""A comparison of training configs over seeds: what has to run, and what has been measured."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.fileio import load

from mmlogitkd.version import __version__

from .metrics import Metric, read_metrics

__all__ = ['Result', 'Run', 'Study', 'load_study', 'plan']

TEACHER = 'teacher'
_FIELDS = {'title', 'teacher', 'students', 'seeds'}
_OPTIONAL = {'metrics', 'scale', 'digits'}


@dataclass(frozen=True)
class Study:
    """What a study file says.

    Attributes:
        title: Heading of the table.
        teacher: Config of the teacher.
        students: Name in the table to config; the first one is what the others are compared with.
        seeds: One training per student and seed. The teacher takes the first.
        metrics: What to compare them by, the leading one first.
    """

    title: str
    teacher: Path
    students: dict[str, Path]
    seeds: tuple[int, ...]
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        name: The student's name, or ``'teacher'``.
        seed: Seed of the training.
        config: Path of the config.
        options: ``key=value`` for ``--cfg-options``.
        folder: Work folder.
        result: File that holds the result once it exists.
        distils: Whether it needs the teacher's checkpoint.
        digest: Identifies everything the result depends on; an older result is not used.
        length: Epochs, or iterations where the loop counts these.
        by_epoch: What ``length`` counts.
    """

    name: str
    seed: int
    config: Path
    options: tuple[str, ...]
    folder: Path
    result: Path
    distils: bool
    digest: str
    length: int
    by_epoch: bool

    @property
    def checkpoint(self) -> Path | None:
        """The checkpoint that MMEngine saved last, if there is one."""
        try:
            path = Path((self.folder / 'last_checkpoint').read_text(encoding='utf-8').strip())
        except FileNotFoundError:
            return None
        return path if path.is_file() else None


@dataclass(frozen=True)
class Result:
    """What a run has measured.

    Attributes:
        name: The student's name, or ``'teacher'``.
        seed: Seed of the training.
        digest: Digest of the run.
        validations: What MMEngine logged of each validation: the step (epoch or iteration) and the
            metrics, None where one had nothing to measure. The last one counts (not the best one,
            which the test set would choose).
        seconds: Wall-clock duration.
        command: The command that ran.
    """

    name: str
    seed: int
    digest: str
    validations: list[dict[str, float | None]]
    seconds: float
    command: list[str]

    @classmethod
    def of(cls, run: Run) -> Result | None:
        """Return the kept result of a run, None where there is none or only an outdated one."""
        try:
            result = cls(**json.loads(run.result.read_text(encoding='utf-8')))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None
        usable = run.name != TEACHER or run.checkpoint is not None
        return result if usable and result.digest == run.digest else None

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix('.partial')
        partial.write_text(json.dumps(asdict(self), indent=1) + '\n', encoding='utf-8')
        partial.replace(path)


def load_study(path: str | Path) -> Study:
    """Read a study file; its config paths are relative to it.

    Raises:
        ValueError: If the file lacks something or names a config that does not exist.
    """
    path = Path(path)
    content = load(path, file_format='yaml')
    if not isinstance(content, dict) or not _FIELDS <= set(content) <= _FIELDS | _OPTIONAL:
        raise ValueError(
            f"'{path}' must have {', '.join(sorted(_FIELDS))}, may have "
            f'{", ".join(sorted(_OPTIONAL))}, and nothing else'
        )
    configs = {TEACHER: content['teacher'], **content['students']}
    if len(configs) != len(content['students']) + 1 or len(configs) == 1:
        raise ValueError(f"'{path}': students must be at least one, and none named 'teacher'")
    if wrong := [name for name in configs if not isinstance(name, str)]:
        raise ValueError(f"'{path}': names must be text, got {wrong!r}; YAML needs quotes there")
    if len({_slug(name) for name in configs}) < len(configs):
        raise ValueError(f"'{path}': names must differ in more than signs: {list(configs)}")
    paths = {name: (path.parent / config).resolve() for name, config in configs.items()}
    missing = [str(config) for config in paths.values() if not config.is_file()]
    if missing:
        raise ValueError(f"'{path}' names configs that do not exist: {', '.join(missing)}")
    return Study(
        title=content['title'],
        teacher=paths.pop(TEACHER),
        students=paths,
        seeds=tuple(content['seeds']),
        metrics=read_metrics(path, content),
    )


def plan(
    study: Study, folder: Path, options: Sequence[str] = (), seeds: Sequence[int] | None = None
) -> list[Run]:
    """Return all runs: the teacher first, then the students seed by seed.

    Args:
        study: What to compare.
        folder: Where work folders and results go.
        options: ``key=value`` for ``--cfg-options`` of every run.
        seeds: The students' seeds, None for the study's.
    """
    teacher = _run(study.teacher, TEACHER, study.seeds[0], folder, options)
    return [teacher] + [
        _run(config, name, seed, folder, options, teacher)
        for seed in seeds or study.seeds
        for name, config in study.students.items()
    ]


def _run(
    path: Path,
    name: str,
    seed: int,
    folder: Path,
    options: Sequence[str],
    teacher: Run | None = None,
) -> Run:
    options = (*options, f'randomness.seed={seed}')
    config = Config.fromfile(path)
    config.merge_from_dict(_parse(options))
    distil = config.get('default_hooks', {}).get('distill') or {}
    distils = bool(distil) and distil.get('enabled', True)
    content: list[Any] = [__version__, config.to_dict()]
    if distils and teacher is not None:
        content.append(teacher.digest)
    by_epoch = 'max_iters' not in config.train_cfg
    slug = f'{_slug(name)}_seed{seed}'
    return Run(
        name=name,
        seed=seed,
        config=path,
        options=options,
        folder=folder / slug,
        result=folder / 'results' / f'{slug}.json',
        distils=distils,
        digest=hashlib.sha256(
            json.dumps(content, sort_keys=True, default=str).encode()
        ).hexdigest(),
        length=config.train_cfg.max_epochs if by_epoch else config.train_cfg.max_iters,
        by_epoch=by_epoch,
    )


def _slug(name: str) -> str:
    """Return a name for files."""
    return re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')


def _parse(options: Sequence[str]) -> dict[str, Any]:
    """Read ``key=value`` as MMEngine's command line does."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args(['--cfg-options', *options]).cfg_options
