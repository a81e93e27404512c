"""The study files and the configs that they name."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config

from mmlogitkd.analysis import Pair, load_study
from mmlogitkd.registry import MODELS

from .shipped import CONFIGS, code_lines

STUDIES = sorted(
    path
    for path in CONFIGS.rglob('*.yml')
    if path.name not in ('metafile.yml', 'model-index.yml')
    and not path.parent.name.endswith('_benchmark')  # all pairs of a table: test_literature
)
STUDENTS = [
    (pair, name, f'{path.parent.name}-{path.stem}-{pair.name}-{name}')
    for path in STUDIES
    for pair in load_study(path).pairs
    for name in pair.students
]


def test_there_are_studies() -> None:
    assert len(STUDIES) >= 8
    pairs = [pair for path in STUDIES for pair in load_study(path).pairs]
    named = {config for pair in pairs for config in (pair.teacher, *pair.students.values())}
    folders = {path.parent for path in STUDIES}
    shipped = {path for folder in folders for path in folder.glob('*.py')}
    assert shipped <= named  # none left over; load_study misses none


@pytest.mark.parametrize(
    ('pair', 'name'), [(p, n) for p, n, _ in STUDENTS], ids=[i for *_, i in STUDENTS]
)
def test_students_differ_by_distillation_alone(pair: Pair, name: str) -> None:
    config = Config.fromfile(pair.students[name])
    plain = Config.fromfile(next(iter(pair.students.values())))
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
    # the fragment names the pair's teacher
    teacher = Config.fromfile(distill.teacher.config)
    assert teacher.to_dict() == Config.fromfile(pair.teacher).to_dict()
    assert code_lines(pair.students[name]) <= 12
    first = pair.students[name].read_text(encoding='utf-8').splitlines()[0]
    assert first.startswith('# Hyper-parameters: ') and 'published' in first


@pytest.mark.parametrize('path', STUDIES, ids=lambda p: f'{p.parent.name}-{p.stem}')
def test_boxes_are_resized_with_their_images(path: Path) -> None:
    for pair in load_study(path).pairs:
        pipeline = Config.fromfile(pair.teacher).train_dataloader.dataset.pipeline
        steps = [step.type for step in pipeline]
        if 'Resize' in steps:
            assert steps.index('LoadAnnotations') < steps.index('Resize')
