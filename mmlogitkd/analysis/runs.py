"""The runs of a study, and the rows of its table that they fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ['Entry', 'Group', 'Run', 'runs_of']


@dataclass(frozen=True)
class Run:
    """One process: a training, or the test of a teacher that is given.

    Attributes:
        pair: The pair's name, the first one's that needs the run; empty in a study of one pair.
        name: The student's name, or ``'teacher'``.
        seed: Seed of the training, None for a test.
        config: Path of the config.
        options: ``key=value`` for ``--cfg-options``.
        folder: Work folder.
        result: File that holds the result once it exists.
        teacher: The run whose checkpoint it needs, None if it does not distil.
        given: The checkpoint to test, None for a training.
        digest: Identifies everything the result depends on; an older result is not used.
        length: Epochs, or iterations where the loop counts these.
        by_epoch: What ``length`` counts.
    """

    pair: str
    name: str
    seed: int | None
    config: Path
    options: tuple[str, ...]
    folder: Path
    result: Path
    teacher: Run | None
    given: str | None
    digest: str
    length: int
    by_epoch: bool

    @property
    def label(self) -> str:
        """The run's name for people."""
        pair = f'{self.pair}: ' if self.pair else ''
        return f'{pair}{self.name}' + ('' if self.seed is None else f', seed {self.seed}')

    @property
    def checkpoint(self) -> str | None:
        """The checkpoint that is given or that MMEngine saved last, if there is one."""
        if self.given is not None:
            return self.given
        try:
            path = Path((self.folder / 'last_checkpoint').read_text(encoding='utf-8').strip())
        except FileNotFoundError:
            return None
        return str(path) if path.is_file() else None


@dataclass(frozen=True)
class Entry:
    """A method of a pair: a row of the table.

    Attributes:
        name: The student's name, or ``'teacher'``.
        runs: One per seed; other entries may share them.
        published: The papers' number, if the study file has it.
    """

    name: str
    runs: tuple[Run, ...]
    published: float | None


@dataclass(frozen=True)
class Group:
    """A pair's rows of the table.

    Attributes:
        pair: The pair's name, empty in a study of one pair.
        entries: The teacher and the students.
        reference: Name of the student that the others are compared with.
    """

    pair: str
    entries: tuple[Entry, ...]
    reference: str


def runs_of(groups: Sequence[Group]) -> list[Run]:
    """Return every run once: pair by pair, in it the teacher first, then seed by seed."""
    runs: dict[Run, None] = {}
    for group in groups:
        teacher, *students = (entry.runs for entry in group.entries)
        for one_seed in (teacher, *zip(*students, strict=True)):
            runs |= dict.fromkeys(one_seed)
    return list(runs)
