from __future__ import annotations

from pathlib import Path

import pytest

TEACHER = 'train_cfg = dict(by_epoch=True, max_epochs=4)\nrandomness = dict(seed=0)\n'
DISTILS = (
    "_base_ = 'alone.py'\ndefault_hooks = dict(distill=dict(type='mmlogitkd.LogitDistillHook'))\n"
)


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """A study of three students, two of which distil."""
    folder = tmp_path / 'study'
    folder.mkdir()
    (folder / 'big.py').write_text(TEACHER)
    (folder / 'alone.py').write_text(TEACHER + 'width = 1\n')
    (folder / 'kd.py').write_text(DISTILS)
    (folder / 'quiet.py').write_text(DISTILS.replace('Hook', "Hook', enabled=False, note='"))
    path = folder / 'study.yml'
    path.write_text(
        'title: A study\nteacher: big.py\nstudents: {alone: alone.py, KD: kd.py, quiet: quiet.py}\n'
        'seeds: [5, 7]\n'
    )
    return path


@pytest.fixture
def pairs_file(study_file: Path) -> Path:
    """Three pairs: the first and the last share a teacher, the first two a plain student."""
    folder = study_file.parent
    (folder / 'bigger.py').write_text(TEACHER + 'width = 99\n')
    (folder / 'other.py').write_text(TEACHER + 'width = 2\n')
    (folder / 'other_kd.py').write_text(DISTILS.replace('alone.py', 'other.py'))
    path = folder / 'pairs.yml'
    path.write_text(
        """title: Pairs
seeds: [5, 7]
published_as: papers
pairs:
  Big → small:
    teacher: big.py
    students: {alone: alone.py, KD: kd.py}
    published: {teacher: 60, KD: 48.5}
  Bigger → small:
    teacher: bigger.py
    students: {alone: alone.py, KD: kd.py, quiet: quiet.py}
  Big → other:
    teacher: big.py
    students: {plain: other.py, KD: other_kd.py}
""",
        encoding='utf-8',
    )
    return path
