"""Rules that the config files and what describes them keep, without running any."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import mmpretrain
import pytest
import yaml
from mmengine.config import Config

from .shipped import (
    ALL,
    CLASSIFICATION,
    CONFIGS,
    DISTILLING,
    FRAGMENTS,
    METAFILES,
    ROOT,
    code_lines,
    ids,
    stated_types,
)

ZOO = Path(mmpretrain.__file__).parent / '.mim'


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding='utf-8'))


def models(path: Path) -> list[dict[str, Any]]:
    return load(path)['Models']


def zoo_path(config: str) -> Path:
    """The file that a ``config`` entry of a metafile names."""
    if config.startswith('mmpretrain::'):
        return ZOO / 'configs' / config.removeprefix('mmpretrain::')
    return ROOT / config


def test_there_are_configs() -> None:
    assert len(DISTILLING) == 4 * 16
    assert len({path.parent for path in DISTILLING}) == 12


def test_names_are_unique() -> None:
    repeated = {name: n for name, n in Counter(path.name for path in ALL).items() if n > 1}
    assert not repeated  # mim finds a config by its name


@pytest.mark.parametrize('path', DISTILLING, ids=ids(DISTILLING))
def test_at_most_12_lines_over_the_student(path: Path) -> None:
    assert code_lines(path) <= 12


@pytest.mark.parametrize('path', FRAGMENTS, ids=ids(FRAGMENTS))
def test_fragments_are_short_and_say_where_their_numbers_come_from(path: Path) -> None:
    assert code_lines(path) <= 25
    head = path.read_text(encoding='utf-8').split('_base_')[0]
    assert path.name == 'hook.py' or 'arXiv' in head or 'CVPR' in head


@pytest.mark.parametrize('path', FRAGMENTS, ids=ids(FRAGMENTS))
def test_fragments_state_prefixed_types_and_no_teacher(path: Path) -> None:
    assert all(name.startswith('mmlogitkd.') for name in stated_types(path))
    assert 'teacher' not in Config.fromfile(path).distill


@pytest.mark.parametrize('path', DISTILLING, ids=ids(DISTILLING))
def test_says_whether_its_hyper_parameters_are_published(path: Path) -> None:
    first = path.read_text(encoding='utf-8').splitlines()[0]
    assert first.startswith('# Hyper-parameters: ')
    assert 'published' in first


def test_model_index_lists_every_metafile() -> None:
    listed = load(ROOT / 'model-index.yml')['Import']
    assert sorted(listed) == [str(path.relative_to(ROOT)) for path in METAFILES]


def test_every_classification_config_is_in_one_metafile() -> None:
    shipped = sorted(path.relative_to(ROOT).as_posix() for path in CLASSIFICATION.rglob('*.py'))
    described = [model['Config'] for path in METAFILES for model in models(path)]
    assert sorted(name for name in described if '/classification/' in name) == shipped


@pytest.mark.parametrize('path', METAFILES, ids=lambda path: path.parent.name)
def test_metafile(path: Path) -> None:
    collections = {collection['Name'] for collection in load(path)['Collections']}
    for collection in load(path)['Collections']:
        assert (ROOT / collection['README']).is_file()
    for model in models(path):
        assert model['Name'] == Path(model['Config']).stem
        assert model['In Collection'] in collections
        assert 'Results' not in model or 'Weights' in model  # no claim without the file
        for role in ('Student', 'Teacher'):
            assert role not in model or zoo_path(model[role]['Config']).is_file()


@pytest.mark.parametrize('path', METAFILES, ids=lambda path: path.parent.name)
def test_metafile_says_what_the_config_does(path: Path) -> None:
    for model in models(path):
        if model['Metadata']['Training Data'] != 'ImageNet-1k' or 'Teacher' not in model:
            continue
        teacher = model['Teacher']
        zoo = models(zoo_path(teacher['Config']).parent / 'metafile.yml')
        [entry] = [entry for entry in zoo if entry['Name'] == Path(teacher['Config']).stem]
        # the two lines of the ecosystem keep the same files on different hosts
        assert urlparse(teacher['Weights']).path == urlparse(entry['Weights']).path


@pytest.mark.parametrize('folder', sorted(CLASSIFICATION.iterdir()), ids=lambda path: path.name)
def test_readme_links_every_config_and_exists(folder: Path) -> None:
    text = (folder / 'README.md').read_text(encoding='utf-8')
    assert [p.name for p in sorted(folder.glob('*.py')) if f'({p.name})' not in text] == []
    if folder.name != 'baseline':
        assert '(not measured here)' in text


@pytest.mark.parametrize('path', sorted(CONFIGS.rglob('README.md')), ids=lambda p: p.parent.name)
def test_links_of_readmes_lead_somewhere(path: Path) -> None:
    links = re.findall(r'\]\(([^)]+)\)', path.read_text(encoding='utf-8'))
    broken = [
        link
        for link in links
        if not link.startswith('http') and not (path.parent / link.split('#')[0]).exists()
    ]
    assert not broken
