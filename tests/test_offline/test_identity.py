"""A cache serves the teacher, the data and the pipeline that it was made with, and no others."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from mmlogitkd.offline import CachedTeacher, LogitCaching, LogitStore
from mmlogitkd.offline.compare import same_or_error
from mmlogitkd.offline.fingerprint import data_fingerprint, teacher_fingerprint
from tests.tiny import build, classifier_config

from .images import LENGTH, PIPELINE, AugmentedImages
from .test_training import DATASET, replayed, same

Make = Callable[..., Path]
Run = Callable[..., Runner]
LookUp = Callable[..., CachedTeacher]
TEACHER = 'default_hooks.distill.teacher'
CLASSES = tuple(f'class {i}' for i in range(5))


def changed_pipeline() -> list[dict]:
    pipeline = copy.deepcopy(PIPELINE)
    pipeline[1]['prob'] = 0.25
    return pipeline


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {f'{TEACHER}.config.model.backbone.depth': 34},
            r'another teacher .*model.model.backbone.depth: 18 -> 34',
        ),
        ({f'{TEACHER}.preprocess': 'same'}, r'another teacher .*preprocess: match -> same'),
        ({f'{TEACHER}.classes': 'ignore'}, r'another teacher .*classes: match -> ignore'),
        (
            {f'{TEACHER}.fast': dict(precision='bfloat16')},
            r'another teacher .*precision: student -> bfloat16',
        ),
        ({f'{DATASET}.length': 25}, r'another data .*length: 20 -> 25'),
        ({f'{DATASET}.root': 'elsewhere/b'}, None),
        (
            {f'{DATASET}.metainfo': dict(classes=CLASSES[::-1])},
            r'another data .*classes\[0\]: class 0 -> class 4',
        ),
        (
            {f'{DATASET}.pipeline': changed_pipeline()},
            r'another pipeline .*transforms\[1\].prob: 0.5 -> 0.25',
        ),
        (
            {'model.data_preprocessor.pad_size_divisor': 32},
            r'another pipeline .*padding\[0\]: 1 -> 32',
        ),
        (replayed(seed=3), r'ReplayDataset with seed=3, but seed=0 is asked for'),
        (replayed(views=2), r'ReplayDataset with views=2, but views=1 is asked for'),
        ({f'{TEACHER}.init': 'random', f'{TEACHER}.checkpoint': None}, "teacher.init='random'"),
        ({f'{TEACHER}.verify': 'never'}, "teacher.verify='never'"),
    ],
)
def test_what_differs_is_named(
    cached: Make, look_up: LookUp, change: dict, message: str | None
) -> None:
    cache = cached()
    if message is None:  # where the files lie does not matter
        look_up(cache, **change)
        return
    with pytest.raises(ValueError, match=message):
        look_up(cache, **change)


def test_another_list_of_the_same_length(cached: Make, look_up: LookUp, monkeypatch) -> None:
    cache = cached()
    load = AugmentedImages.load_data_list

    def swapped(self: AugmentedImages) -> list[dict]:
        entries = load(self)
        entries[3], entries[4] = entries[4], entries[3]
        return entries

    monkeypatch.setattr(AugmentedImages, 'load_data_list', swapped)
    with pytest.raises(ValueError, match=r'another data .*list: '):
        look_up(cache)


def test_another_checkpoint(cached: Make, look_up: LookUp, teacher_file: Path) -> None:
    cache = cached()
    checkpoint = torch.load(teacher_file)
    checkpoint['state_dict']['head.fc.bias'][0] += 1
    torch.save(checkpoint, teacher_file)
    with pytest.raises(ValueError, match=r'another teacher .*checkpoint: '):
        look_up(cache)
    teacher_file.unlink()
    with pytest.raises(FileNotFoundError, match=r'teacher.checkpoint=None'):
        look_up(cache)
    look_up(cache, **{f'{TEACHER}.checkpoint': None})


def test_a_student_with_other_statistics_may_use_it(cached: Make, look_up: LookUp) -> None:
    """With preprocess='match' the teacher sees its own statistics whatever the student's are."""
    mean = {'model.data_preprocessor.mean': [100.0, 100.0, 100.0]}
    look_up(cached(), **mean)
    same_inputs = {f'{TEACHER}.preprocess': 'same'}
    with pytest.raises(ValueError, match=r'another teacher .*inputs\[1\]\[0\]: 120.0 -> 100.0'):
        look_up(cached(same_inputs), **same_inputs, **mean)


def test_columns_are_in_the_order_of_the_training_set(cached: Make, run: Run) -> None:
    names = {f'{DATASET}.metainfo': dict(classes=CLASSES[::-1])}
    live = replayed()
    live[DATASET]['dataset'].update(metainfo=dict(classes=CLASSES[::-1]))
    assert same(run(**live), run(cached(names, dtype='float32'), **names))


def test_a_training_set_that_is_not_wrapped_is_refused(cached: Make, run: Run) -> None:
    with pytest.raises(ValueError, match=r"type='mmlogitkd.ReplayDataset', seed=0, views=1"):
        run(**{f'{TEACHER}.cache': str(cached())})


def test_samples_that_do_not_say_which_they_are(cached: Make) -> None:
    teacher = CachedTeacher(cached())
    with pytest.raises(RuntimeError, match='not open yet'):
        teacher.score(lambda model, inputs: None, torch.zeros(1), [])
    teacher.build(build(classifier_config()))
    with pytest.raises(ValueError, match='do not say which images'):
        teacher.score(lambda model, inputs: None, torch.zeros(1), [object()])
    with pytest.raises(RuntimeError, match='not built'):
        print(teacher.model)


def test_a_damaged_shard_stops_the_run_before_its_first_step(cached: Make, run: Run) -> None:
    cache = cached()
    file = cache / 'view-0000/shard-00001.bin'
    content = bytearray(file.read_bytes())
    content[11] ^= 1
    file.write_bytes(content)
    for when in ('start', 'use'):
        with pytest.raises(ValueError, match=r'shard-00001.bin .*does not match its checksum'):
            run(cache, **{f'{TEACHER}.verify': when})


def test_other_versions_are_noted_and_named_if_an_image_differs(
    cached: Make, look_up: LookUp, tmp_path: Path
) -> None:
    """The header of an older library; the images decide."""
    source = LogitStore(cached())
    header = {key: value for key, value in source.header.items() if key != 'format'}
    header['versions'] = header['versions'] | dict(cv2='3.1')
    copied = LogitStore.create(tmp_path / 'older', header)
    for shard in source.shards():
        copied.write(shard, source.read(0, torch.arange(shard.start, shard.stop).numpy()))
    look_up(copied.path)
    for shard in source.shards():
        records = source.read(0, torch.arange(shard.start, shard.stop).numpy()).copy()
        records['crc'] ^= 1
        copied.write(shard, records)
    with pytest.raises(ValueError, match=r'differently \(cv2: 3.1 -> '):
        look_up(copied.path)


def test_images_of_several_sizes_are_refused(cached: Make) -> None:
    resize = dict(type='RandomResize', scale=(16, 16), ratio_range=(0.5, 2.0))
    with pytest.raises(ValueError, match=r'images of \(3, \d+, \d+\) and of .* one size'):
        cached({f'{DATASET}.pipeline': [resize, PIPELINE[-1]]})


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({f'{TEACHER}.checkpoint': None, f'{TEACHER}.init': 'random'}, "init='random'"),
        ({'default_hooks.distill': None}, 'no mmlogitkd.LogitDistillHook'),
        ({'default_hooks.distill.logits': dict(type='mmlogitkd.RoIHeadLogits')}, 'RoIHeadLogits'),
        (
            {'model.train_cfg': dict(augments=[dict(type='Mixup', alpha=0.8)])},
            'batch_augments .mixup, cutmix.',
        ),
        (
            {f'{DATASET}.pipeline': [dict(type='EveryGenerator', own=True), PIPELINE[-1]]},
            'sample 0',
        ),
    ],
)
def test_what_cannot_be_stored_is_refused(configured, change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogitCaching(configured(**change))


def test_mixup_in_the_training_alone_is_refused_too(cached: Make, run: Run) -> None:
    mixup = {'model.train_cfg': dict(augments=[dict(type='Mixup', alpha=0.8)])}
    with pytest.raises(ValueError, match='batch_augments'):
        run(cached(), **mixup)


def test_a_dataset_without_a_list_is_known_by_its_images(cached: Make, look_up: LookUp) -> None:
    images = {DATASET: dict(type='TinyImages', num_classes=5, length=LENGTH, _delete_=True)}
    cache = cached(images)
    look_up(cache, **images)
    other = copy.deepcopy(images)
    other[DATASET]['seed'] = 1
    with pytest.raises(ValueError, match=r'sample \d+, view 0'):
        look_up(cache, **other)


def test_a_url_is_known_by_its_content_or_its_address(tmp_path: Path, monkeypatch) -> None:
    url = 'https://models.example.org/zoo/teacher-0123abcd.pth'
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    assert teacher_fingerprint(None, url) == {'url': url}
    downloaded = tmp_path / 'hub/checkpoints/teacher-0123abcd.pth'
    downloaded.parent.mkdir(parents=True)
    downloaded.write_bytes(b'weights')
    known = teacher_fingerprint(None, url)
    assert known['checkpoint'] == teacher_fingerprint(None, str(downloaded))['checkpoint']


def test_an_unchanged_list_is_not_read_entry_by_entry(monkeypatch) -> None:
    """MMEngine's serialised list says that nothing has changed; a moved one has to be read."""
    here, moved = AugmentedImages(), AugmentedImages(root='/mnt/other')
    known = data_fingerprint(here)
    assert data_fingerprint(moved)['bytes'] != known['bytes']
    assert data_fingerprint(moved, known)['list'] == known['list']
    monkeypatch.setattr(AugmentedImages, 'get_data_info', lambda self, index: 1 / 0)
    assert data_fingerprint(here, known)['list'] == known['list']
    with pytest.raises(ZeroDivisionError):
        data_fingerprint(moved, known)


def test_what_is_left_out_is_not_compared_but_what_is_gone_counts() -> None:
    recorded = {'model': {'type': 'A', 'depth': 18}, 'classes': 'match'}
    same_or_error('cache', 'teacher', recorded, {'model': {'type': 'A', 'depth': 18}})
    with pytest.raises(ValueError, match=r'another teacher .*: model.depth: 18 -> null'):
        same_or_error('cache', 'teacher', recorded, {'model': {'type': 'A'}})
