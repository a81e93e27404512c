"""The configs on CUB-200-2011 and Tiny-ImageNet, run on miniatures in the official layouts."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, DefaultScope
from mmengine.runner import Runner

from tests.miniature import WNIDS, write_cub, write_tiny_imagenet
from tools.prepare_tiny_imagenet import main as prepare_tiny_imagenet

from .shipped import (
    CLASSIFICATION,
    EVERY_BASELINE,
    FINE_GRAINED,
    METAFILES,
    ROOT,
    code_lines,
    ids,
)

SETS = {'cub200': 'CUB-200-2011', 'tiny-imagenet': 'Tiny-ImageNet'}
FOLDERS = {'cub200': 'CUB_200_2011', 'tiny-imagenet': 'tiny-imagenet-200'}
PLAIN = [path for path in EVERY_BASELINE if path.stem.endswith(tuple(f'_{name}' for name in SETS))]
DESCRIBED = {
    model['Name']: model
    for path in METAFILES
    if CLASSIFICATION in path.parents
    for model in yaml.safe_load(path.read_text(encoding='utf-8'))['Models']
}
METHODS = dict(
    cub200=('kd', 'dkd', 'sd-kd', 'sd-dkd', 'sd-nkd', 'ldrld', 'luminet'),
    **{'tiny-imagenet': ('kd', 'dkd', 'sd-kd', 'ldrld', 'luminet')},
)
# every student on its set once, every method and every teacher among them
QUICK = [
    path
    for path in FINE_GRAINED
    if path.stem.rpartition('_1xb')[0]
    in (
        (
            'sd-nkd_resnet32x4-mobilenet-v2-half',
            'luminet_resnet50-shufflenet-v1',
            'sd-dkd_vgg13-vgg8',
        )
        if path.stem.endswith('cub200')
        else (
            'ldrld_resnet18-shufflenet-v2',
            'kd_resnet32x4-resnet8x4',
            'dkd_vgg13-vgg8',
            'sd-kd_resnet50-mobilenet-v2-half',
        )
    )
]
# every method; the rest differs from these by names alone
FEW = [
    path
    for path in FINE_GRAINED
    if '_vgg13-vgg8_1xb64' in path.stem or path.stem.startswith('kd_vgg13-vgg8')
]
EVERY = [
    pytest.param(path, marks=() if path in FEW else pytest.mark.full, id=path.stem)
    for path in FINE_GRAINED
]


def set_of(path: Path) -> str:
    return path.stem.rpartition('_')[2]


@cache
def parsed(path: Path) -> Config:
    return Config.fromfile(path)


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('data')
    write_cub(folder / 'CUB_200_2011')
    write_tiny_imagenet(folder / 'tiny-imagenet-200')
    assert prepare_tiny_imagenet([str(folder / 'tiny-imagenet-200')]) == 0
    return folder


def on_miniature(path: Path, data: Path) -> Config:
    """The config with two images a batch of the generated set; all else is as shipped."""
    config = Config.fromfile(path)
    for name in ('train', 'val', 'test'):
        loader = config[f'{name}_dataloader']
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        assert loader.dataset.data_root == f'data/{FOLDERS[set_of(path)]}'
        loader.dataset.data_root = str(data / FOLDERS[set_of(path)])
    return config


def dataset(config: Config, name: str) -> Any:
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return DATASETS.build(config[f'{name}_dataloader'].dataset)


def plain(name: str) -> Path:
    [path] = [path for path in PLAIN if path.stem.startswith(name.replace(' ', '_'))]
    return path


def test_every_pair_has_every_method() -> None:
    pairs = dict(cub200=5, **{'tiny-imagenet': 4})
    for name, methods in METHODS.items():
        found = {path.stem.split('_')[1] for path in FINE_GRAINED if set_of(path) == name}
        assert len(found) == pairs[name]
        expected = {f'{method}_{pair}' for method in methods for pair in found}
        stems = [path.stem for path in FINE_GRAINED if set_of(path) == name]
        assert {stem.rpartition('_1xb')[0] for stem in stems} == expected
    assert len(QUICK) == 7


@pytest.mark.parametrize('path', PLAIN, ids=ids(PLAIN))
def test_a_plain_config_is_what_its_name_and_metafile_say(path: Path) -> None:
    config, described = parsed(path), DESCRIBED[path.stem]
    batch, epochs = map(int, re.search(r'_1xb(\d+)-(\d+)e_', path.stem).groups())
    assert described['Metadata'] == {
        'Training Data': SETS[set_of(path)],
        'Epochs': epochs,
        'Batch Size': batch,
    }
    assert config.train_dataloader.batch_size == config.auto_scale_lr.base_batch_size == batch
    assert config.train_cfg.max_epochs == epochs
    assert config.model.head.num_classes == config.model.data_preprocessor.num_classes == 200


def bases_of(path: Path) -> list[Path]:
    """The files in a config's ``_base_``, without running it."""
    [value] = [
        statement.value
        for statement in ast.parse(path.read_text(encoding='utf-8')).body
        if isinstance(statement, ast.Assign) and statement.targets[0].id == '_base_'
    ]
    return [(path.parent / base).resolve() for base in ast.literal_eval(value)]


@pytest.mark.parametrize('path', FINE_GRAINED, ids=ids(FINE_GRAINED))
def test_name_metafile_and_bases_agree(path: Path) -> None:
    described = DESCRIBED[path.stem]
    method, pair, schedule, name = path.stem.split('_')
    student_file, teacher_file = (ROOT / described[r]['Config'] for r in ('Student', 'Teacher'))
    student, teacher = (file.stem.split('_')[0] for file in (student_file, teacher_file))
    assert pair == f'{teacher}-{student}'
    expected = [f'{network}_{schedule}_{name}' for network in (student, teacher)]
    assert [student_file.stem, teacher_file.stem] == expected
    assert described['Metadata'] == DESCRIBED[student_file.stem]['Metadata']
    base, teacher_base, fragment = bases_of(path)
    assert base == student_file
    assert teacher_base.name == f'{teacher}_{name}.py' and teacher_base.is_file()
    assert fragment.stem.split('_')[0] == method and fragment.is_file()
    assert code_lines(path) <= 12
    first = path.read_text(encoding='utf-8').splitlines()[0]
    assert first.startswith('# Hyper-parameters: ') and 'published' in first


@pytest.mark.parametrize('path', EVERY)
def test_differs_from_the_plain_config_by_distillation_alone(path: Path) -> None:
    config = Config.fromfile(path).to_dict()
    student_file, teacher_file = (
        ROOT / DESCRIBED[path.stem][role]['Config'] for role in ('Student', 'Teacher')
    )
    distill = config['default_hooks'].pop('distill')
    for name in ('custom_imports', 'distill', 'teacher'):  # of the fragments, read by nothing
        config.pop(name)
    assert config == parsed(student_file).to_dict()
    assert Path(distill['teacher']['config']).resolve() == teacher_file
    epochs = parsed(teacher_file).train_cfg.max_epochs
    assert distill['teacher']['checkpoint'] == (f'work_dirs/{teacher_file.stem}/epoch_{epochs}.pth')
    [loss] = map(MODELS.build, distill['losses'].values())
    method = path.stem.split('_')[0]
    if method.startswith('sd-'):
        alike = {'ResNet32x4 ResNet8x4', 'VGG13 VGG8'}
        pair = ' '.join(DESCRIBED[path.stem][role]['Name'] for role in ('Teacher', 'Student'))
        coarse = set_of(path) == 'tiny-imagenet' and pair in alike
        assert loss.scales == ((1, 2) if coarse else (1, 2, 4))
        loss = loss.base
    assert type(loss).__name__.lower() == f'{method.removeprefix("sd-")}loss'
    weight = dict(DKDLoss='beta', NKDLoss='gamma').get(type(loss).__name__)
    if weight:
        assert getattr(loss, weight) == (6 if teacher_file.stem.startswith('vgg13') else 8)


def test_cub_is_read_as_the_official_archive_has_it(data: Path) -> None:
    config = on_miniature(plain('vgg8_1xb64'), data)
    train, val = dataset(config, 'train'), dataset(config, 'val')
    assert [len(train), len(val)] == [2, 2]
    assert [train.get_data_info(index)['gt_label'] for index in range(2)] == [0, 199]
    assert 'Albatross' in train.metainfo['classes'][0] and len(train.metainfo['classes']) == 200
    for items in (train, val):
        assert [item['inputs'].shape for item in items] == [(3, 224, 224)] * 2


def test_tiny_imagenet_is_numbered_by_its_sorted_folders(data: Path) -> None:
    config = on_miniature(plain('vgg8_1xb256'), data)
    train, val = dataset(config, 'train'), dataset(config, 'val')
    assert train.metainfo['classes'] == tuple(sorted(WNIDS))
    for index in range(len(train)):
        info = train.get_data_info(index)
        assert Path(info['img_path']).parts[-3] == sorted(WNIDS)[info['gt_label']]
    labels = [val.get_data_info(index)['gt_label'] for index in range(3)]
    assert labels == [sorted(WNIDS).index(wnid) for wnid in WNIDS]
    assert {item['inputs'].shape for items in (train, val) for item in items} == {(3, 64, 64)}


def test_tiny_imagenet_s_images_are_turned_and_flipped_only_in_training(data: Path) -> None:
    config = on_miniature(plain('vgg8_1xb256'), data)
    np.random.seed(0)
    train, val = dataset(config, 'train'), dataset(config, 'val')
    corners = np.stack([train[0]['inputs'][:, 0, 0].numpy() for _ in range(20)])
    assert (corners == 0).all(axis=1).sum() > 10  # what a turn leaves free is black
    assert torch.equal(val[0]['inputs'], val[0]['inputs'])


@pytest.mark.parametrize(
    ('path', 'side'),
    [
        (plain('resnet32x4_1xb64'), 28),
        (plain('vgg8_1xb64'), 28),
        (plain('resnet50_1xb64'), 14),
        (plain('shufflenet-v1_1xb64'), 14),
        (plain('mobilenet-v2-half_1xb64'), 7),
        (plain('resnet8x4_1xb256'), 16),
        (plain('vgg13_1xb256'), 4),
        (plain('resnet18_1xb256'), 8),
        (plain('shufflenet-v2_1xb256'), 8),
        (plain('mobilenet-v2-half_1xb256'), 4),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else None,
)
def test_last_maps_are_those_of_the_released_code(path: Path, side: int) -> None:
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        backbone = MODELS.build(parsed(path).model.backbone).to('meta')
    size = 224 if path.stem.endswith('cub200') else 64
    (feature,) = backbone(torch.zeros(1, 3, size, size, device='meta'))
    assert feature.shape[2:] == (side, side)


def check_training(path: Path, data: Path, work_dir: Path, crop: int = 224) -> None:
    """One step over two images, then the validation."""
    config = on_miniature(path, data)
    for loader in (config.train_dataloader, config.val_dataloader):
        for step in loader.dataset.pipeline:
            if 'crop_size' in step:  # of CUB alone
                step.crop_size = crop
    config.default_hooks.distill.teacher.update(checkpoint=None, init='random')
    config.train_dataloader.dataset.indices = 2
    config.work_dir = str(work_dir)
    config.experiment_name = f'{path.stem}-{work_dir.name}'
    config.train_cfg = dict(by_epoch=True, max_epochs=1)
    config.default_hooks.checkpoint = None
    config.default_hooks.logger.interval = 1
    config.env_cfg.dist_cfg.backend = 'gloo'
    config.log_level = 'WARNING'
    runner = Runner.from_cfg(config)
    before = {name: value.clone() for name, value in runner.model.named_parameters()}
    runner.train()
    assert runner.iter == 1
    after = dict(runner.model.named_parameters())
    assert list(after) == list(before)
    assert not torch.equal(after['head.fc.weight'], before['head.fc.weight'])
    [log] = work_dir.glob('*/vis_data/scalars.json')
    training, validation = map(json.loads, log.read_text().splitlines())
    for name in config.default_hooks.distill.losses:
        assert np.isfinite(training[name]) and training[name] > 0
    assert np.isfinite(training['loss'])
    assert 0 <= validation['accuracy/top1'] <= validation['accuracy/top5'] <= 100


@pytest.mark.parametrize('path', QUICK, ids=ids(QUICK))
def test_trains_one_step_on_the_miniature(path: Path, data: Path, tmp_path: Path) -> None:
    check_training(path, data, tmp_path, crop=112)


@pytest.mark.full
@pytest.mark.parametrize('path', FINE_GRAINED, ids=ids(FINE_GRAINED))
def test_every_config_trains_one_step(path: Path, data: Path, tmp_path: Path) -> None:
    check_training(path, data, tmp_path)
