"""What a study has to run: every training once, whichever pairs show it."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction

from mmlogitkd.teacher.build import load_config
from mmlogitkd.teacher.checkpoint import is_url
from mmlogitkd.version import __version__

from .runs import Entry, Group, Run
from .study import TEACHER, Pair, Study, slug

__all__ = ['plan']


def plan(
    study: Study,
    folder: Path,
    options: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
    pairs: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
) -> list[Group]:
    """Return what to run, as the table shows it.

    Runs with the same digest are one run: a teacher or a plain student of several pairs.

    Args:
        study: What to compare.
        folder: Where work folders and results go.
        options: ``key=value`` for ``--cfg-options`` of every run.
        seeds: The students' seeds, None for the study's.
        pairs: Names of the pairs, None for all.
        only: Names of the students, None for all; pairs that have none of them are left out.

    Raises:
        ValueError: A config or a teacher's checkpoint cannot be read, an option does not fit its
            config, or two configs have the same name.
    """
    planner = _Planner(study, folder, options)
    seeds = list(dict.fromkeys(seeds or study.seeds))
    groups = []
    for pair in study.pairs:
        students = [name for name in pair.students if only is None or name in only]
        if not students or (pairs is not None and pair.name not in pairs):
            continue
        teacher = planner.teacher(pair, study.seeds[0])
        runs = {TEACHER: (teacher,)} | {
            name: tuple(planner.training(pair, name, seed, teacher) for seed in seeds)
            for name in students
        }
        entries = tuple(Entry(name, runs[name], pair.published.get(name)) for name in runs)
        groups.append(Group(pair.name, entries, next(iter(pair.students))))
    return groups


class _Planner:
    """Makes runs, those with the same digest once."""

    def __init__(self, study: Study, folder: Path, options: Sequence[str]) -> None:
        self.one_pair = not study.pairs[0].name
        self.folder = folder
        self.options = tuple(options)
        self.configs: dict[Path, Config] = {}
        self.runs: dict[str, Run] = {}  # by digest

    def teacher(self, pair: Pair, seed: int) -> Run:
        """Return the run that trains a pair's teacher, or tests the one that is given."""
        if pair.checkpoint is None:
            return self.training(pair, TEACHER, seed, None)
        mark = _fingerprint(pair.checkpoint)
        return self._run(
            self._digest(self._config(pair.teacher), mark),
            f'{self._plain(pair, TEACHER)}_{mark[:8]}',
            pair=pair.name,
            name=TEACHER,
            seed=None,
            config=pair.teacher,
            options=self.options,
            teacher=None,
            given=pair.checkpoint,
            length=1,
            by_epoch=True,
        )

    def training(self, pair: Pair, name: str, seed: int, teacher: Run | None) -> Run:
        """Return the run that trains a student, or the teacher where there is none given."""
        path = pair.config(name)
        own = pair.options.get(name, ())
        options = (*own, f'randomness.seed={seed}')
        config = deepcopy(self._config(path))
        _check_options(f"student '{name}'", config, own)
        config.merge_from_dict(_parse(options))
        distil = config.get('default_hooks', {}).get('distill') or {}
        if not distil or not distil.get('enabled', True):
            teacher = None
        if teacher is None and not own:
            base = self._plain(pair, name)
        else:
            base = '_'.join(slug(part) for part in (pair.name, name) if part)
        by_epoch = 'max_iters' not in config.train_cfg
        return self._run(
            self._digest(config, *([teacher.digest] if teacher else [])),
            f'{base}_seed{seed}',
            pair=pair.name,
            name=name,
            seed=seed,
            config=path,
            options=(*self.options, *options),
            teacher=teacher,
            given=None,
            length=config.train_cfg.max_epochs if by_epoch else config.train_cfg.max_iters,
            by_epoch=by_epoch,
        )

    def _run(self, digest: str, base: str, **fields: Any) -> Run:
        if digest not in self.runs:
            folder = self.folder / base
            for other in self.runs.values():
                if other.folder == folder:
                    raise ValueError(
                        f"'{other.config}' and '{fields['config']}' would share the work folder "
                        f"'{base}': rename one, or its folder"
                    )
            result = self.folder / 'results' / f'{base}.json'
            self.runs[digest] = Run(digest=digest, folder=folder, result=result, **fields)
        return self.runs[digest]

    def _plain(self, pair: Pair, name: str) -> str:
        """Name a run that other pairs may share by its config, not by its place in one pair."""
        if self.one_pair:
            return slug(name)
        path = pair.config(name)
        return slug(f'{path.parent.name}-{path.stem}')

    def _config(self, path: Path) -> Config:
        if path not in self.configs:
            config = _read(path)
            config.merge_from_dict(_parse(self.options))
            self.configs[path] = config
        return self.configs[path]

    def _digest(self, config: Config, *more: str) -> str:
        content = [__version__, config.to_dict(), *more]
        text = json.dumps(content, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def _check_options(where: str, config: Config, options: Sequence[str]) -> None:
    """Refuse options below a part that the config does not have: MMEngine would add it unread."""
    content = config.to_dict() if options else {}
    for option in options:
        part: Any = content
        *parents, _ = option.partition('=')[0].split('.')
        for depth, key in enumerate(parents, start=1):
            if not isinstance(part, dict) or key not in part:
                raise ValueError(
                    f"{where}: the config has no '{'.'.join(parents[:depth])}', which the option "
                    f"'{option}' changes; options change what is there"
                )
            part = part[key]


def _fingerprint(checkpoint: str) -> str:
    """Return a hash of a file, or of a URL: what it leads to is taken not to change."""
    if is_url(checkpoint):
        return hashlib.sha256(checkpoint.encode()).hexdigest()
    digest = hashlib.sha256()
    try:
        with Path(checkpoint).open('rb') as file:
            while part := file.read(1 << 20):
                digest.update(part)
    except OSError as error:
        raise ValueError(
            f"the teacher's checkpoint '{checkpoint}' cannot be read ({error.strerror}): put it "
            'there, or give the config alone and it is trained'
        ) from error
    return digest.hexdigest()


def _read(path: Path) -> Config:
    """Read a config that ``tools/train.py`` can train."""
    config = load_config(path, f"config='{path}'")
    if not config.get('train_cfg'):
        raise ValueError(
            f"config='{path}' has no train_cfg, so there is nothing to train: give a whole config, "
            'with data and schedule'
        )
    return config


def _parse(options: Sequence[str]) -> dict[str, Any]:
    """Read ``key=value`` as MMEngine's command line does."""
    if wrong := [option for option in options if '=' not in option]:
        raise ValueError(f'options must be key=value, got {wrong}')
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args(['--cfg-options', *options]).cfg_options if options else {}
