"""The configs of the literature's CIFAR-100 tables: the recipe, and what was published for whom."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from mmengine.config import Config

from .shipped import CLASSIFICATION, CONFIGS, LITERATURE, PLAIN, ROOT, ids

SUFFIX = '_1xb64-240e_cifar100'
BENCHMARK = CONFIGS / 'cifar100_benchmark' / 'literature.yml'
# Per pair: grids of SDD (124 is 1x1, 2x2 and 4x4), beta of DKD and SD-DKD, gamma and grids of
# SD-NKD, LumiNet's alpha / temperature / weight of the cross-entropy, LSKD-KD's temperature /
# weight, LSKD-DKD's alpha / beta / temperature.
PUBLISHED = {
    row.split()[0]: row.split()[1:]
    for row in """
resnet56-resnet20           12   2  2  12   33/4/2  2/9  18/36/3
resnet110-resnet32          12   2  2  12   33/4/2  2/9  15/30/2
resnet32x4-resnet8x4        12   8  8  12   33/4/2  2/9   9/72/2
wrn-40-2-wrn-16-2           12   6  6  12   75/8/1  2/9  12/24/2
wrn-40-2-wrn-40-1           12   6  6  12   75/8/1  2/9  12/24/2
vgg13-vgg8                  12   6  6  12   70/8/1  3/9  15/30/2
resnet32x4-shufflenet-v1    124  8  8  124  35/4/1  2/9   9/72/2
wrn-40-2-shufflenet-v1      124  8  8  124  35/4/1  2/9   9/72/2
vgg13-mobilenet-v2-half     124  6  6  124  70/8/2  3/9   9/18/3
resnet50-mobilenet-v2-half  124  8  8  124  70/8/2  3/1  15/30/2
resnet32x4-shufflenet-v2    124  8  8  124  35/4/1  2/9   9/72/2
resnet50-vgg8               124  8  8  12   70/8/1  2/9   9/72/2
""".strip().splitlines()
}
TEACHERS = ('resnet56', 'resnet110', 'resnet32x4', 'wrn-40-2', 'vgg13', 'resnet50')
METHODS = {
    'KD': 'kd/kd',
    'DKD': 'dkd/dkd',
    'DIST': 'dist/dist',
    'LDRLD': 'ldrld/ldrld',
    'SD-KD': 'sdd/sd-kd',
    'SD-DKD': 'sdd/sd-dkd',
    'SD-NKD': 'sdd/sd-nkd',
    'LumiNet': 'luminet/luminet',
    'LSKD-KD': 'lskd/lskd-kd',
    'LSKD-DKD': 'lskd/lskd-dkd',
    'MLKD': 'mlkd/mlkd',
}
CASES = [(pair, method) for pair in PUBLISHED for method in METHODS]
DESCRIBED = {
    model['Name']: model
    for path in CLASSIFICATION.glob('*/metafile.yml')
    for model in yaml.safe_load(path.read_text(encoding='utf-8'))['Models']
}


@cache
def parsed(path: Path) -> Config:
    """The config, for reading only."""
    return Config.fromfile(path)


def split(pair: str) -> tuple[str, str]:
    [teacher] = [name for name in TEACHERS if pair.startswith(f'{name}-')]
    return teacher, pair.removeprefix(f'{teacher}-')


def plain(network: str) -> Path:
    return CLASSIFICATION / 'baseline' / f'{network}{SUFFIX}.py'


def distilled(pair: str, method: str) -> Path:
    return CLASSIFICATION / f'{METHODS[method]}_{pair}{SUFFIX}.py'


def published(pair: str, method: str) -> dict[str, Any]:
    """The hook without its type and teacher, from the table above."""
    grids, beta, gamma, grids_nkd, *rest = PUBLISHED[pair]
    luminet, lskd_kd, lskd_dkd = ([float(value) for value in text.split('/')] for text in rest)

    def loss(kind: str, **arguments: Any) -> dict[str, Any]:
        return dict(type=f'mmlogitkd.{kind}Loss', **arguments)

    def sdd(base: dict[str, Any], digits: str, **arguments: Any) -> dict[str, Any]:
        scales = tuple(int(digit) for digit in digits)
        return dict(loss_sdd=loss('SDD', base=base, scales=scales, beta=2.0, **arguments))

    def lskd(base: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        return dict(loss_lskd=loss('Standardized', base=base, **arguments))

    dkd = loss('DKD', alpha=1.0, beta=float(beta), temperature=4.0)
    losses: dict[str, Any]
    weight = None
    if method == 'KD':
        losses = dict(loss_kd=loss('KD', temperature=4.0, loss_weight=0.9))
        weight = 0.1
    elif method == 'DKD':
        losses = dict(loss_dkd=dkd)
    elif method == 'DIST':
        terms = dict(beta=1.0, gamma=1.0)
        losses = dict(loss_dist=loss('DIST', **terms, temperature=4.0, loss_weight=2.0))
    elif method == 'LDRLD':
        terms = dict(depth=7, alpha=10.5, beta=7.0)
        losses = dict(loss_ldrld=loss('LDRLD', **terms, temperature=4.0, average_pairs=True))
    elif method == 'SD-KD':
        losses = sdd(loss('KD', temperature=4.0), grids, loss_weight=0.9)
        weight = 0.1
    elif method == 'SD-DKD':
        losses = sdd(dkd, grids)
    elif method == 'SD-NKD':
        losses = sdd(loss('NKD', gamma=float(gamma), temperature=4.0), grids_nkd)
    elif method == 'LumiNet':
        alpha, temperature, weight = luminet
        losses = dict(loss_luminet=loss('LumiNet', alpha=alpha, temperature=temperature))
    elif method == 'LSKD-KD':
        losses = lskd(loss('KD', temperature=lskd_kd[0]), loss_weight=lskd_kd[1])
        weight = 0.1
    elif method == 'LSKD-DKD':
        alpha, beta, temperature = lskd_dkd
        losses = lskd(loss('DKD', alpha=alpha, beta=beta, temperature=temperature))
    else:
        losses = dict(loss_mlkd=loss('MLKD', temperatures=(2, 3, 4, 5, 6), loss_weight=0.9))
        weight = 0.1
    hook: dict[str, Any] = dict(losses=losses)
    if weight is not None:
        hook['task_weight'] = weight
    if method in ('DKD', 'SD-DKD', 'SD-NKD', 'LumiNet', 'LSKD-DKD'):
        [name] = losses
        hook['schedules'] = {name: dict(type='mmlogitkd.WarmupSchedule', end=20)}
    return hook


def test_every_method_has_every_pair() -> None:
    assert sorted(distilled(*case) for case in CASES) == LITERATURE


@pytest.mark.parametrize('path', PLAIN, ids=ids(PLAIN))
def test_recipe(path: Path) -> None:
    config = parsed(path)
    slow = path.stem.startswith(('mobilenet', 'shufflenet'))
    assert config.optim_wrapper == dict(
        optimizer=dict(type='SGD', lr=0.01 if slow else 0.05, momentum=0.9, weight_decay=5e-4)
    )
    assert config.param_scheduler == dict(type='MultiStepLR', milestones=[150, 180, 210], gamma=0.1)
    assert config.train_cfg.max_epochs == 240
    assert config.train_cfg.max_epochs % config.train_cfg.val_interval == 0
    assert config.train_cfg.max_epochs % config.default_hooks.checkpoint.interval == 0
    loader = config.train_dataloader
    assert loader.batch_size == 64
    assert [step.type for step in loader.dataset.pipeline] == [
        'RandomCrop',
        'RandomFlip',
        'PackInputs',
    ]
    assert loader.dataset.pipeline[0].padding == 4
    assert config.test_dataloader == config.val_dataloader
    assert config.val_dataloader.dataset.split == 'test'
    assert config.randomness.seed == 0
    # one file for the model, and nothing beside it that would have no effect
    assert (
        config.model
        == Config.fromfile(
            CONFIGS / '_base_' / 'models' / 'cifar' / f'{path.stem.removesuffix(SUFFIX)}.py'
        ).model
    )
    assert config.data_preprocessor is None
    described = DESCRIBED[path.stem]['Metadata']
    assert (described['Epochs'], described['Batch Size']) == (240, 64)


@pytest.mark.parametrize(('pair', 'method'), CASES, ids=[f'{m}-{pair}' for pair, m in CASES])
def test_differs_from_the_student_by_what_was_published(pair: str, method: str) -> None:
    teacher, student = split(pair)
    path = distilled(pair, method)
    config = parsed(path).to_dict()
    distill = config['default_hooks'].pop('distill')
    assert distill.pop('type') == 'mmlogitkd.LogitDistillHook'
    source = distill.pop('teacher')
    assert Path(source['config']).resolve() == plain(teacher)
    assert source['checkpoint'] == f'work_dirs/{plain(teacher).stem}/epoch_240.pth'
    assert distill == published(pair, method)
    for name in ('custom_imports', 'distill', 'teacher'):  # the fragments' own
        config.pop(name)
    if method == 'LDRLD':  # its released script warms the learning rate up
        warmup = config.pop('lr_warmup')
        assert warmup == dict(type='LinearLR', start_factor=1 / 20, end=20)
        assert config['param_scheduler'][0] == warmup
        [config['param_scheduler']] = config['param_scheduler'][1:]
    assert config == parsed(plain(student)).to_dict()
    described = DESCRIBED[path.stem]
    assert ROOT / described['Student']['Config'] == plain(student)
    assert ROOT / described['Teacher']['Config'] == plain(teacher)
    assert described['Metadata'] == DESCRIBED[plain(student).stem]['Metadata']


def test_benchmark_has_every_config_under_its_pair() -> None:
    benchmark = yaml.safe_load(BENCHMARK.read_text(encoding='utf-8'))
    names = set()
    for entry in benchmark['pairs'].values():
        [alone, *students] = [
            (BENCHMARK.parent / path).resolve() for path in entry['students'].values()
        ]
        pair = students[0].stem.removesuffix(SUFFIX).removeprefix('kd_')
        names.add(pair)
        teacher, student = split(pair)
        assert (BENCHMARK.parent / entry['teacher']).resolve() == plain(teacher)
        assert alone == plain(student)
        assert list(entry['students']) == ['alone', *METHODS]
        assert students == [distilled(pair, method) for method in METHODS]
        assert set(entry['published']) <= {'teacher', *entry['students']}
    assert names == set(PUBLISHED)


@pytest.mark.parametrize('method', METHODS)
def test_readme_has_the_papers_numbers_of_the_benchmark(method: str) -> None:
    benchmark = yaml.safe_load(BENCHMARK.read_text(encoding='utf-8'))
    readme = (distilled('vgg13-vgg8', method).parent / 'README.md').read_text(encoding='utf-8')
    for entry in benchmark['pairs'].values():
        name = Path(entry['students'][method]).name
        [row] = [line for line in readme.splitlines() if f'({name})' in line]
        number = entry['published'].get(method)
        stated = row.split('|')[-2].strip()
        assert stated == '–' if number is None else float(stated) == number
