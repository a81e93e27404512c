"""The study files of the literature's benchmarks and the configs that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from mmengine.config import Config

from .shipped import CLASSIFICATION, CONFIGS, DISTILLING, FINE_GRAINED, METAFILES

FILES = [
    CONFIGS / f'{name}_benchmark' / 'literature.yml'
    for name in ('cub200', 'imagenet', 'tiny_imagenet')
]
PAIRS = [
    pytest.param(path, name, pair, id=f'{path.parent.name}-{name}')
    for path in FILES
    for name, pair in yaml.safe_load(path.read_text(encoding='utf-8'))['pairs'].items()
]
DESCRIBED = {
    model['Name']: model
    for path in METAFILES
    if CLASSIFICATION in path.parents
    for model in yaml.safe_load(path.read_text(encoding='utf-8'))['Models']
}


@pytest.mark.parametrize(('path', 'name', 'pair'), PAIRS)
def test_students_are_the_pair_s(path: Path, name: str, pair: dict[str, Any]) -> None:
    assert path.read_text(encoding='utf-8').count(f'  {name}:\n') == 1
    teacher_name, student_name = name.split(' → ')
    students = dict(pair['students'])
    assert next(iter(students)) == 'alone'
    alone = (path.parent / students.pop('alone')).resolve()
    assert alone.is_file()
    teacher = pair['teacher']
    own = isinstance(teacher, str)  # trained by the study, not the model zoo's
    teacher_file = (path.parent / (teacher if own else teacher['config'])).resolve()
    assert teacher_file.is_file()
    for method, relative in students.items():
        file = (path.parent / relative).resolve()
        described = DESCRIBED[file.stem]
        assert file.stem.split('_')[0] == method.lower()
        assert described['Teacher']['Name'] == teacher_name
        assert described['Student']['Name'] == student_name
        assert Path(described['Student']['Config']).stem == alone.stem
        assert Path(described['Teacher']['Config'].partition('::')[2] or teacher_file).stem == (
            teacher_file.stem
        )
        assert own or described['Teacher']['Weights'] == teacher['checkpoint']
    assert set(pair.get('published', {})) <= set(students)


def test_every_config_of_these_sets_is_in_one_study() -> None:
    named = [
        (param.values[0].parent / relative).resolve()
        for param in PAIRS
        for method, relative in param.values[2]['students'].items()
        if method != 'alone'
    ]
    mobilenet_v1 = [path for path in DISTILLING if '-mobilenet-v1_' in path.stem]
    rest = [path for path in named if path not in FINE_GRAINED + mobilenet_v1]
    assert len(named) == len(set(named))
    assert set(FINE_GRAINED + mobilenet_v1) <= set(named)
    assert all(path.stem.endswith('_resnet34-resnet18_8xb32_in1k') for path in rest)


@pytest.mark.parametrize('name', ['resnet18', 'resnet34', 'resnet50'])
def test_named_copies_are_mmpretrain_s(name: str) -> None:
    copy = Config.fromfile(CONFIGS / 'imagenet_benchmark' / f'{name}_8xb32_in1k.py')
    own = Config.fromstring(f"_base_ = ['mmpretrain::resnet/{name}_8xb32_in1k.py']", '.py')
    assert copy.to_dict() == own.to_dict()
