"""The study files and the configs that they name."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config

from mmlogitkd.analysis import load_study
from mmlogitkd.registry import MODELS

from .shipped import CONFIGS, code_lines

STUDIES = sorted(
    path
    for path in CONFIGS.rglob('*.yml')
    if path.name not in ('metafile.yml', 'model-index.yml')
    and not path.parent.name.endswith('_benchmark')  # many pairs in one file
)
STUDENTS = [(path, name) for path in STUDIES for name in load_study(path).students]
IDS = [f'{path.parent.name}-{path.stem}-{name}' for path, name in STUDENTS]


def test_there_are_studies() -> None:
    assert len(STUDIES) == 8
    named = {load_study(path).teacher for path in STUDIES}
    named |= {load_study(path).students[name] for path, name in STUDENTS}
    folders = {path.parent for path in STUDIES}
    shipped = {path for folder in folders for path in folder.glob('*.py')}
    assert named == shipped  # no config of a study is forgotten, none left over


@pytest.mark.parametrize(('path', 'name'), STUDENTS, ids=IDS)
def test_students_differ_by_distillation_alone(path: Path, name: str) -> None:
    study = load_study(path)
    config = Config.fromfile(study.students[name])
    plain = Config.fromfile(next(iter(study.students.values())))
    distill = config.default_hooks.pop('distill', None)
    assert (distill is None) == (config.to_dict() == plain.to_dict())
    if distill is None:
        return
    config.pop('custom_imports', None)
    for key in set(config) - set(plain):  # the fragments' own names
        config.pop(key)
    assert config.to_dict() == plain.to_dict()
    for loss in distill.losses.values():
        MODELS.build(loss)
    # the fragment names the study's teacher
    teacher = Config.fromfile(distill.teacher.config)
    assert teacher.to_dict() == Config.fromfile(study.teacher).to_dict()
    assert code_lines(study.students[name]) <= 12
    first = study.students[name].read_text(encoding='utf-8').splitlines()[0]
    assert first.startswith('# Hyper-parameters: ') and 'published' in first


@pytest.mark.parametrize('path', STUDIES, ids=lambda p: f'{p.parent.name}-{p.stem}')
def test_boxes_are_resized_with_their_images(path: Path) -> None:
    pipeline = Config.fromfile(load_study(path).teacher).train_dataloader.dataset.pipeline
    steps = [step.type for step in pipeline]
    if 'Resize' in steps:
        assert steps.index('LoadAnnotations') < steps.index('Resize')
