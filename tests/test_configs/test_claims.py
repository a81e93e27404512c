"""The first line of a config says whose hyper-parameters it has: that they are these."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from .shipped import CLASSIFICATION, ids

CONFIGS = sorted(
    path
    for path in CLASSIFICATION.glob('*/*.py')
    if path.parent.name not in ('baseline', 'compositions')
)
TABLES = '_1xb64-240e_cifar100'
# a pair of CIFAR-100's tables, or 'this pair' of another set
SAME = re.compile(
    r'(?:as published for|those of) (?:CIFAR-100, )?(this pair|\S+ -> [^\s,]+)'
    r'(?: on CIFAR-100, the closest published|, the (?:closest|only) pair| of the CIFAR kind)\.'
)


def claim(path: Path) -> str:
    return path.read_text(encoding='utf-8').splitlines()[0].removeprefix('# Hyper-parameters: ')


def model(path: Path) -> Path | None:
    """The config of CIFAR-100's tables whose hyper-parameters this one says it has."""
    found = SAME.fullmatch(claim(path))
    if found is None or path.stem.endswith('_in1k'):
        return None
    method, own, _ = path.stem.split('_', 2)
    pair = own
    if found[1] != 'this pair':
        pair = found[1].lower().replace(' -> ', '-')
        pair = pair.replace('mobilenetv2', 'mobilenet-v2-half').replace(
            'shufflenetv', 'shufflenet-v'
        )
    other = path.with_name(f'{method}_{pair}{TABLES}.py')
    return other if other.is_file() or method in TABULATED else None


TABULATED = {path.stem.split('_')[0] for path in CONFIGS if path.stem.endswith(TABLES)}
BORROWED = [path for path in CONFIGS if model(path) is not None]


def hook(path: Path) -> dict[str, Any]:
    distill = Config.fromfile(path).default_hooks.distill.to_dict()
    del distill['teacher']
    return distill


@pytest.mark.parametrize('path', BORROWED, ids=ids(BORROWED))
def test_hyper_parameters_are_those_of_the_named_pair(path: Path) -> None:
    other = model(path)
    assert other is not None and other.is_file(), other
    mine, theirs = hook(path), hook(other)
    if path.stem.startswith('sd-'):  # the grids follow the networks, not the hyper-parameters
        for distill in (mine, theirs):
            del distill['losses']['loss_sdd']['scales']
    assert mine == theirs


@pytest.mark.parametrize('path', CONFIGS, ids=ids(CONFIGS))
def test_readme_says_the_same(path: Path) -> None:
    readme = (path.parent / 'README.md').read_text(encoding='utf-8')
    rows = [
        line for line in readme.splitlines() if line.startswith('|') and f'({path.name})' in line
    ]
    assert [row for row in rows if claim(path).rstrip('.') in row], (claim(path), rows)
