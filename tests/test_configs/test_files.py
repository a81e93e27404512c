"""Rules that the config files and what describes them keep, without running any."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import mmdet
import mmpretrain
import pytest
import yaml
from mmengine.config import Config

from .shipped import (
    ALL,
    CONFIGS,
    DETECTORS,
    DISTILLING,
    FRAGMENTS,
    LITERATURE,
    METAFILES,
    METHOD_FOLDERS,
    ONE_PER_KIND,
    PLAIN,
    ROOT,
    code_lines,
    ids,
    stated_types,
)

ZOOS = {module.__name__: Path(module.__file__).parent / '.mim' for module in (mmpretrain, mmdet)}
DISTILLED = DISTILLING + DETECTORS


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding='utf-8'))


def models(path: Path) -> list[dict[str, Any]]:
    return load(path)['Models']


def zoo_path(config: str) -> Path:
    """The file that a ``config`` entry of a metafile names."""
    package, separator, path = config.partition('::')
    return ZOOS[package] / 'configs' / path if separator else ROOT / config


def test_there_are_configs() -> None:
    assert len(LITERATURE) == 11 * 12
    assert len(DISTILLING) == 4 * 16 + 4 + 15 + len(LITERATURE)
    assert len(PLAIN) == 23
    assert len({path.parent for path in DISTILLING}) == 13
    assert len(DETECTORS) == 3 * 5 + 4 * 3 + 2 + 4
    assert len({path.parent for path in DETECTORS}) == 6
    assert len(ONE_PER_KIND) == 9


def test_names_are_unique() -> None:
    repeated = {name: n for name, n in Counter(path.name for path in ALL).items() if n > 1}
    assert not repeated  # mim finds a config by its name


@pytest.mark.parametrize('path', DISTILLED, ids=ids(DISTILLED))
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


@pytest.mark.parametrize('path', DISTILLED, ids=ids(DISTILLED))
def test_says_whether_its_hyper_parameters_are_published(path: Path) -> None:
    first = path.read_text(encoding='utf-8').splitlines()[0]
    assert first.startswith('# Hyper-parameters: ')
    assert 'published' in first


def test_model_index_lists_every_metafile() -> None:
    listed = load(ROOT / 'model-index.yml')['Import']
    assert sorted(listed) == [str(path.relative_to(ROOT)) for path in METAFILES]


def test_every_config_of_a_method_is_in_one_metafile() -> None:
    shipped = [path for folder in METHOD_FOLDERS for path in folder.rglob('*.py')]
    described = [model['Config'] for path in METAFILES for model in models(path)]
    assert sorted(described) == sorted(path.relative_to(ROOT).as_posix() for path in shipped)


@pytest.mark.parametrize('path', METAFILES, ids=lambda p: f'{p.parts[-3]}-{p.parts[-2]}')
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


@pytest.mark.parametrize('path', METAFILES, ids=lambda p: f'{p.parts[-3]}-{p.parts[-2]}')
def test_metafile_says_what_the_config_does(path: Path) -> None:
    for model in models(path):
        teacher = model.get('Teacher', {})
        if '::' not in teacher.get('Config', ''):
            continue
        zoo = models(zoo_path(teacher['Config']).parent / 'metafile.yml')
        config = f'configs/{teacher["Config"].partition("::")[2]}'
        [entry] = [entry for entry in zoo if entry['Config'] == config]
        # the two lines of the ecosystem keep the same files on different hosts
        assert urlparse(teacher['Weights']).path == urlparse(entry['Weights']).path


@pytest.mark.parametrize('folder', METHOD_FOLDERS, ids=lambda p: f'{p.parent.name}-{p.name}')
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
