"""The teacher: any form of config, strict and safe loading, matched inputs and classes."""

from __future__ import annotations

import copy
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmlogitkd.teacher import Teacher
from mmlogitkd.teacher.build import build_model, build_untrained, read_config
from mmlogitkd.teacher.classes import class_columns
from mmlogitkd.utils.safe_types import register_safe_types
from tests.tiny import NUM_CLASSES, build, classifier_config, full_config


def logits(model: Any, inputs: torch.Tensor) -> torch.Tensor:
    return model(inputs, mode='tensor')


def student(**preprocessor: Any) -> Any:
    return build(classifier_config(4, data_preprocessor=preprocessor))


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / 'teacher_config.py'
    Config(full_config(classifier_config(6))).dump(path)
    return path


def test_every_form_of_config_gives_the_same_teacher(config_file: Path, teacher_file: Path) -> None:
    forms = [
        str(config_file),
        config_file,
        full_config(classifier_config(6)),
        Config(full_config(classifier_config(6))),
    ]
    inputs = torch.randn(2, 3, 16, 16)
    answers = [Teacher(form, teacher_file).build(student()).score(logits, inputs) for form in forms]
    assert all(torch.equal(answers[0], answer) for answer in answers)
    assert read_config(dict(type='X')).model.type == 'X'
    packaged = read_config('mmpretrain::resnet/resnet18_8xb32_in1k.py')
    assert packaged.model.backbone.depth == 18


def test_a_preprocessor_beside_the_model_is_used_as_the_runner_does(teacher_file: Path) -> None:
    config = full_config(classifier_config(6))
    preprocessor = config['model'].pop('data_preprocessor')
    config['data_preprocessor'] = dict(preprocessor, mean=[1.0, 2.0, 3.0])
    teacher = Teacher(config, teacher_file).build(student())
    assert teacher.model.data_preprocessor.mean.flatten().tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ('config', 'error', 'message'),
    [
        ('nowhere.py', FileNotFoundError, 'nowhere.py'),
        (3, TypeError, 'int'),
        (dict(optimizer=1), ValueError, 'no `model` entry'),
    ],
)
def test_bad_configs(config: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        Teacher(config, init='random').build(student())


def test_the_same_config_builds_any_number_of_times() -> None:
    """mmdet's detectors write into what they are built from, and some refuse it then."""
    pytest.importorskip('mmdet')
    config = read_config('mmdet::deformable_detr/deformable-detr_r50_16xb2-50e_coco.py')
    before = copy.deepcopy(config.model)
    build_model(config)
    assert config.model == before


def test_an_untrained_teacher_has_no_arbitrary_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deformable DETR leaves some parameters to `init_weights`; nothing is fetched for that."""
    pytest.importorskip('mmdet')
    config = read_config('mmdet::deformable_detr/deformable-detr_r50_16xb2-50e_coco.py')
    config.model.backbone.init_cfg.checkpoint = 'there/is/no/such/file.pth'
    monkeypatch.setattr(torch.utils.deterministic, 'fill_uninitialized_memory', True)
    torch.use_deterministic_algorithms(True)  # uninitialised memory is filled with NaN
    try:
        arbitrary = build_model(config)
        teacher = Teacher(config, init='random').build(arbitrary).model
    finally:
        torch.use_deterministic_algorithms(False)
    assert any(parameter.isnan().any() for parameter in arbitrary.parameters())
    assert all(parameter.isfinite().all() for parameter in teacher.parameters())
    random_state = torch.get_rng_state()
    build_untrained(config)
    assert torch.equal(torch.get_rng_state(), random_state)


def test_random_states_are_left_alone(teacher_file: Path) -> None:
    def draw() -> tuple:
        return random.random(), float(np.random.rand()), float(torch.rand(()))

    def seeded() -> None:
        random.seed(0), np.random.seed(0), torch.manual_seed(0)

    ours = student()
    seeded()
    expected = draw()
    seeded()
    Teacher(full_config(classifier_config(6)), teacher_file).build(ours)
    assert draw() == expected


def test_frozen_eval_and_without_gradient(teacher_file: Path) -> None:
    teacher = Teacher(full_config(classifier_config(6)), teacher_file).build(student())
    inputs = torch.randn(2, 3, 16, 16, requires_grad=True)
    assert not teacher.score(logits, inputs).requires_grad
    assert not any(p.requires_grad for p in teacher.model.parameters())
    assert not any(module.training for module in teacher.model.modules())


def change(path: Path, how: Any) -> Path:
    checkpoint = torch.load(path)
    how(checkpoint['state_dict'])
    torch.save(checkpoint, path)
    return path


@pytest.mark.parametrize(
    ('how', 'message'),
    [
        (lambda d: d.pop('head.fc.bias'), r'missing in the checkpoint: 1\n    head.fc.bias'),
        (lambda d: d.update(extra=torch.zeros(2)), r'unexpected in the checkpoint: 1\n    extra'),
        (
            lambda d: d.update({'head.fc.bias': torch.zeros(7)}),
            r'another shape: 1\n    head.fc.bias: model \(5,\), checkpoint \(7,\)',
        ),
    ],
)
def test_one_wrong_tensor_stops_the_run(teacher_file: Path, how: Any, message: str) -> None:
    teacher = Teacher(full_config(classifier_config(6)), change(teacher_file, how))
    with pytest.raises(RuntimeError, match=message):
        teacher.build(student())


def test_ignore_keys_leaves_out_surplus_but_nothing_may_be_missing(teacher_file: Path) -> None:
    change(teacher_file, lambda d: d.update(extra=torch.zeros(2)))
    config = full_config(classifier_config(6))
    Teacher(config, teacher_file, ignore_keys=['ext']).build(student())
    with pytest.raises(RuntimeError, match='missing'):
        Teacher(config, teacher_file, ignore_keys=['ext', 'head']).build(student())


def test_weights_of_a_parallel_run_load(teacher_file: Path) -> None:
    def prefix(weights: dict) -> None:
        for key in list(weights):
            weights['module.' + key] = weights.pop(key)

    teacher = Teacher(full_config(classifier_config(6)), change(teacher_file, prefix))
    teacher.build(student())


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple:
        return Path.touch, (Path(self.marker),)


def test_a_file_with_code_is_refused_unless_trusted(teacher_file: Path, tmp_path: Path) -> None:
    marker = tmp_path / 'ran'
    checkpoint = torch.load(teacher_file) | dict(extra=Malicious(marker))
    torch.save(checkpoint, teacher_file)
    config = full_config(classifier_config(6))
    with pytest.raises(ValueError, match='trust_checkpoint=True'):
        Teacher(config, teacher_file).build(student())
    assert not marker.exists()
    Teacher(config, teacher_file, trust_checkpoint=True).build(student())
    assert marker.exists()


def test_getattr_is_no_way_in(teacher_file: Path) -> None:
    """What stands for getattr while loading gives methods of HistoryBuffer alone."""

    class Lookup:
        def __reduce__(self) -> tuple:
            return getattr, (torch.Tensor, '__module__')

    checkpoint = torch.load(teacher_file) | dict(extra=Lookup())
    torch.save(checkpoint, teacher_file)
    with pytest.raises(ValueError, match='cannot be read'):
        Teacher(full_config(classifier_config(6)), teacher_file).build(student())


def test_loading_a_teacher_leaves_the_registered_types(teacher_file: Path) -> None:
    """The upstream line's MMEngine needs them to resume."""
    register_safe_types()
    before = set(torch.serialization.get_safe_globals())
    Teacher(full_config(classifier_config(6)), teacher_file).build(student())
    assert set(torch.serialization.get_safe_globals()) == before


def test_a_checkpoint_of_a_real_run_loads(make_runner: Any) -> None:
    save = dict(checkpoint=dict(type='CheckpointHook', interval=1))
    runner = make_runner('run', epochs=1, default_hooks=save)
    runner.train()
    path = Path(runner.work_dir) / 'epoch_1.pth'
    registered = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    try:
        with pytest.raises(pickle.UnpicklingError):
            torch.load(path, weights_only=True)  # it does hold more than tensors
    finally:
        torch.serialization.add_safe_globals(registered)
    teacher = Teacher(full_config(classifier_config(4)), path).build(student())
    inputs = torch.randn(2, 3, 16, 16)
    runner.model.eval()
    torch.testing.assert_close(teacher.score(logits, inputs), logits(runner.model, inputs))


@pytest.mark.parametrize(
    ('checkpoint', 'error', 'message'),
    [
        ('nowhere.pth', FileNotFoundError, 'nowhere.pth'),
        ('s3://bucket/x.pth', ValueError, 'download the file'),
    ],
)
def test_bad_checkpoints(checkpoint: str, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        Teacher(full_config(classifier_config(6)), checkpoint).build(student())


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    names = ('text', 'tensor', 'nothing', 'half')
    text, tensor, nothing, half = (tmp_path / f'{name}.pth' for name in names)
    text.write_text('hello')
    torch.save(torch.zeros(2), tensor)
    nothing.touch()
    half.write_bytes(tensor.read_bytes()[:400])
    for path, message in (
        (text, r'\(5 bytes\) cannot be read: '),
        (tensor, 'holds a Tensor'),
        (nothing, r"nothing.pth' \(0 bytes\) cannot be read: EOFError. An incomplete file must"),
        (half, r"half.pth' \(400 bytes\) cannot be read: "),
    ):
        with pytest.raises(ValueError, match=message):
            Teacher(full_config(classifier_config(6)), path).build(student())


THEIRS = dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0])


@pytest.mark.parametrize('flip', [False, True])
def test_other_normalisation_is_converted(teacher_file: Path, flip: bool) -> None:
    """The teacher sees what its own preprocessor makes of the same raw images."""
    config = classifier_config(6, data_preprocessor=dict(to_rgb=flip, **THEIRS))
    ours = student()
    teacher = Teacher(full_config(config), teacher_file).build(ours)
    raw = dict(inputs=torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8))
    seen = []
    teacher.score(
        lambda model, inputs: seen.append(inputs), ours.data_preprocessor(dict(raw))['inputs']
    )
    expected = teacher.model.data_preprocessor(dict(raw))['inputs']
    torch.testing.assert_close(seen[0], expected, rtol=1e-5, atol=1e-4)


def test_padding_stays_zero(teacher_file: Path) -> None:
    from mmpretrain.structures import DataSample

    config = classifier_config(6, data_preprocessor=THEIRS)
    ours = student()
    teacher = Teacher(full_config(config), teacher_file).build(ours)
    images = [torch.randint(0, 256, (3, *size), dtype=torch.uint8) for size in ((16, 12), (10, 16))]
    samples = [DataSample(metainfo=dict(img_shape=tuple(i.shape[1:]))) for i in images]
    seen = []
    inputs = ours.data_preprocessor(dict(inputs=images))['inputs']
    teacher.score(lambda model, inputs: seen.append(inputs), inputs, samples)
    expected = teacher.model.data_preprocessor(dict(inputs=images))['inputs']
    torch.testing.assert_close(seen[0], expected, rtol=1e-5, atol=1e-4)


def test_normalisation_on_one_side_only_is_refused(teacher_file: Path) -> None:
    config = classifier_config(6, data_preprocessor=dict(mean=None, std=None))
    with pytest.raises(ValueError, match=r'120\.0.*mean=None.*preprocess=.same.'):
        Teacher(full_config(config), teacher_file).build(student())
    Teacher(full_config(config), teacher_file, preprocess='same').build(student())


def test_class_columns() -> None:
    assert class_columns(None, 'ab') is None
    assert class_columns('ab', None) is None
    assert class_columns(['a', 'b'], ('a', 'b')) is None
    assert class_columns(['b', 'a'], ['a', 'c', 'b']) == [2, 0]
    with pytest.raises(ValueError, match=r"1 of the student's 2 .*\['z'\].*classes='ignore'"):
        class_columns(['a', 'z'], ['a', 'b'])
    with pytest.raises(ValueError, match='stand twice'):
        class_columns(['a', 'b'], ['a', 'a'])


def test_classes_are_mapped_by_name(teacher_file: Path) -> None:
    config = full_config(classifier_config(6))
    names = [f'class {i}' for i in range(NUM_CLASSES)]
    inputs = torch.randn(2, 3, 16, 16)
    plain = Teacher(config, teacher_file).build(student(), names)
    turned = Teacher(config, teacher_file).build(student(), names[::-1])
    answer = plain.select_classes(plain.score(logits, inputs))
    torch.testing.assert_close(turned.select_classes(turned.score(logits, inputs)), answer.flip(1))
    others = [f'other {i}' for i in range(NUM_CLASSES)]
    with pytest.raises(ValueError, match=r"5 of the student's 5"):
        Teacher(config, teacher_file).build(student(), others)
    ignored = Teacher(config, teacher_file, classes='ignore').build(student(), others)
    torch.testing.assert_close(ignored.select_classes(ignored.score(logits, inputs)), answer)


def test_another_number_of_classes_is_refused(make_runner: Any, distill: Any) -> None:
    config = full_config(classifier_config(6, num_classes=7))
    runner = make_runner('run', distill(teacher=dict(config=config, init='random')))
    with pytest.raises(ValueError, match=r'\(8, 5\).*\(8, 7\).*same number of classes'):
        runner.train()
