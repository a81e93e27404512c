"""Published checkpoints: the same numbers under other names, and nothing half converted."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner, load_checkpoint
from torch import Tensor, nn

from mmlogitkd.datasets.cifar100_classes import CIFAR100_CLASSES
from mmlogitkd.logits.regions import pooled_cells, region_logits
from mmlogitkd.published import NAMINGS, NETWORKS, convert_file, network_config
from mmlogitkd.teacher.build import build_model
from tests.published_networks import figures, images, state_dict

MODELS = Path(__file__).parents[1] / 'configs' / '_base_' / 'models' / 'cifar'
TENSORS, ANSWERS = figures()
# every family, and both sizes where a family has more than depth
QUICK = ('resnet8', 'resnet8x4', 'wrn-16-1', 'wrn-16-2', 'vgg8', 'resnet18', 'mobilenet-v2-half')
QUICK += ('shufflenet-v1', 'shufflenet-v2')
EVERY = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.full, id=name)
    for name in NETWORKS
]


def published(name: str) -> dict[str, Tensor]:
    """The state dict of the authors' network, filled by the formula."""
    return state_dict(TENSORS[name]['tensors'])


def saved(path: Path, content: Any) -> str:
    torch.save(content, path)
    return str(path)


def converted(name: str, weights: dict[str, Tensor], folder: Path) -> Path:
    source = saved(folder / f'published-{name}.pth', dict(epoch=240, model=weights))
    target = folder / 'converted' / f'{name}.pth'
    convert_file(network_config(name, MODELS), source, target)
    return target


def checksums(weights: dict[str, Tensor]) -> list[int]:
    return sorted(zlib.crc32(value.numpy().tobytes()) for value in weights.values())


def loaded(config: Config, checkpoint: Path) -> Any:
    """The mmpretrain model in double precision, as Runner and tools/test.py load it, strictly."""
    model = build_model(config)
    load_checkpoint(model, str(checkpoint), map_location='cpu', strict=True)
    return model.double().eval()


def assert_same(ours: Tensor, theirs: Any) -> None:
    expected = torch.from_numpy(theirs)
    largest = expected.abs().max().item()
    torch.testing.assert_close(ours.detach(), expected, rtol=1e-9, atol=1e-9 * largest)


def test_the_figures_are_of_these_networks() -> None:
    assert {name: TENSORS[name]['published'] for name in TENSORS} == NETWORKS
    assert all(ANSWERS[name].shape == (2, 100) for name in NETWORKS)


@pytest.mark.parametrize('name', EVERY)
def test_a_converted_network_answers_as_its_authors_code(name: str, tmp_path: Path) -> None:
    weights = published(name)
    config = network_config(name, MODELS)
    model = loaded(config, converted(name, weights, tmp_path))
    assert_same(model(images(), mode='tensor'), ANSWERS[name])
    # the very tensors, under as many names
    file = torch.load(tmp_path / 'converted' / f'{name}.pth', weights_only=True)
    assert checksums(file['state_dict']) == checksums(weights)
    assert file['meta']['dataset_meta']['classes'] == CIFAR100_CLASSES


def test_vgg_with_a_fourth_pool_is_the_authors_network_for_64_pixels(tmp_path: Path) -> None:
    config = network_config('vgg8', MODELS)
    config.model.backbone.pools = 4
    model = loaded(config, converted('vgg8', published('vgg8'), tmp_path))
    assert_same(model(images(64), mode='tensor'), ANSWERS['vgg8/64px'])


def test_regions_of_a_small_map_are_those_of_sdds_authors(tmp_path: Path) -> None:
    name = 'mobilenet-v2-half'
    model = loaded(network_config(name, MODELS), converted(name, published(name), tmp_path))
    for nested in (False, True):
        cells = pooled_cells(model.backbone(images())[0], (1, 2, 4), nested)
        regions = region_logits(cells, model.neck, model.head)
        assert_same(regions[:, :10], ANSWERS[f'{name}/regions'])


@pytest.mark.parametrize(
    'wrap',
    [
        lambda weights: weights,
        lambda weights: dict(state_dict=weights, epoch=3),
        lambda weights: dict(model=weights, accuracy=torch.tensor(79.4), optimizer=dict(lr=0.1)),
        lambda weights: dict(model={f'module.{key}': value for key, value in weights.items()}),
    ],
    ids=['bare', 'state_dict', 'model', 'parallel'],
)
def test_every_form_of_file_gives_the_same(wrap: Callable, tmp_path: Path) -> None:
    weights = published('resnet8')
    source = saved(tmp_path / 'a.pth', wrap(weights))
    assert convert_file(network_config('resnet8', MODELS), source, tmp_path / 'b.pth') == 56
    state = torch.load(tmp_path / 'b.pth')['state_dict']
    assert torch.equal(state['head.fc.weight'], weights['fc.weight'])
    assert torch.equal(state['backbone.layer2.0.conv1.weight'], weights['layer2.0.conv1.weight'])


def test_parts_that_have_another_name_here() -> None:
    naming = NAMINGS['ResNet_CIFAR']
    assert naming.published('backbone.layer2.0.downsample.1.bias') == 'layer2.0.shortcut.1.bias'
    assert naming.published('head.fc.weight') == 'linear.weight'
    assert NAMINGS['CIFARMobileNetV2'].published('head.fc.bias') == 'classifier.0.bias'
    assert NAMINGS['CIFARResNet'].published('backbone.layer2.0.downsample.0.weight') == (
        'layer2.0.downsample.0.weight'
    )


def test_files_of_old_versions_of_pytorch_are_read(tmp_path: Path) -> None:
    source, target = tmp_path / 'a.pth', tmp_path / 'b.pth'
    content = dict(model=published('resnet8'), best_acc=torch.tensor(72.3))
    torch.save(content, source, _use_new_zipfile_serialization=False)
    convert_file(network_config('resnet8', MODELS), str(source), target)
    assert len(torch.load(target)['state_dict']) == 56


@pytest.mark.parametrize('name', ['wrn-40-2', 'wrn_40_2', str(MODELS / 'wrn-40-2.py')])
def test_a_network_goes_by_both_names_and_by_its_config(name: str) -> None:
    backbone = network_config(name, MODELS).model.backbone
    assert (backbone.depth, backbone.widen_factor) == (40, 2)


def test_counters_of_batches_may_be_absent_altogether(tmp_path: Path) -> None:
    """PyTorch had none before 0.4.1, and CRD's release was made with 0.4.0."""
    weights = {k: v for k, v in published('resnet8').items() if not k.endswith('_tracked')}
    model = loaded(network_config('resnet8', MODELS), converted('resnet8', weights, tmp_path))
    assert_same(model(images(), mode='tensor'), ANSWERS['resnet8'])
    assert model.backbone.bn1.num_batches_tracked == 0


def without(name: str) -> Callable[[dict], None]:
    return lambda weights: weights.pop(name)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (without('fc.bias'), r'missing in the checkpoint: 1\n    fc\.bias'),
        (without('bn1.running_var'), r'missing in the checkpoint: 1\n    bn1\.running_var'),
        (without('bn1.num_batches_tracked'), r'missing.*: 1\n    bn1\.num_batches_tracked'),
        (lambda w: w.update(extra=torch.zeros(2)), r'unexpected in the checkpoint: 1\n    extra'),
        (
            lambda w: w.update({'layer1.0.conv1.weight': torch.zeros(16, 16, 1, 1)}),
            r'layer1\.0\.conv1\.weight: model \(16, 16, 3, 3\), checkpoint \(16, 16, 1, 1\)',
        ),
        (
            lambda w: w.update({'fc.weight': torch.zeros(10, 64), 'fc.bias': torch.zeros(10)}),
            r'another shape: 2\n    fc\.weight: model \(100, 64\), checkpoint \(10, 64\)',
        ),
    ],
    ids=['parameter', 'statistic', 'one counter', 'surplus', 'shape', 'classes'],
)
def test_one_wrong_tensor_is_named_and_nothing_written(
    change: Callable, message: str, tmp_path: Path
) -> None:
    weights = published('resnet8')
    change(weights)
    with pytest.raises(ValueError, match=message):
        converted('resnet8', weights, tmp_path)
    assert not (tmp_path / 'converted' / 'resnet8.pth').exists()


@pytest.mark.parametrize(
    ('name', 'other'), [('resnet8', 'resnet14'), ('resnet8', 'wrn-16-1'), ('resnet8', 'vgg8')]
)
def test_another_network_is_refused(name: str, other: str, tmp_path: Path) -> None:
    source = saved(tmp_path / 'a.pth', published(name))
    with pytest.raises(ValueError, match=r'a\.pth is not of this network:\n  missing'):
        convert_file(network_config(other, MODELS), source, tmp_path / 'b.pth')


def test_other_classes_need_a_config_and_get_no_names(tmp_path: Path) -> None:
    weights = published('resnet8')
    weights.update({'fc.weight': torch.zeros(10, 64), 'fc.bias': torch.zeros(10)})
    path = tmp_path / 'ten.py'
    base = (MODELS / 'resnet8.py').as_posix()
    path.write_text(f'_base_ = {base!r}\nmodel = dict(head=dict(num_classes=10))\n')
    source = saved(tmp_path / 'a.pth', weights)
    convert_file(network_config(str(path), MODELS), source, tmp_path / 'b.pth')
    assert 'dataset_meta' not in torch.load(tmp_path / 'b.pth')['meta']


def test_files_and_networks_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'resnet9' is none of resnet8, .*path of a config"):
        network_config('resnet9', MODELS)
    with pytest.raises(FileNotFoundError, match=r'nowhere\.py'):
        network_config('nowhere.py', MODELS)
    config = network_config('resnet8', MODELS)
    source = saved(tmp_path / 'a.pth', dict(epoch=1, weights=published('resnet8')))
    with pytest.raises(ValueError, match=r'no state dict found.*epoch, weights'):
        convert_file(config, source, tmp_path / 'b.pth')
    with pytest.raises(ValueError, match=r'http://host/a\.pth: download the file'):
        convert_file(config, 'http://host/a.pth', tmp_path / 'b.pth')
    config.model.backbone.type = 'mmpretrain.ResNet'
    with pytest.raises(ValueError, match=r"'ResNet': published names are known of CIFARResNet"):
        convert_file(config, source, tmp_path / 'b.pth')


def test_a_run_is_distilled_from_a_converted_teacher(
    make_runner: Callable[..., Runner], tmp_path: Path
) -> None:
    """From the published file to a trained student, classes matched by name."""
    checkpoint = converted('resnet8', published('resnet8'), tmp_path)
    runner = make_runner(
        epochs=1,
        model=network_config('resnet8', MODELS).model,
        train_dataloader=dict(
            batch_size=8,
            num_workers=0,
            collate_fn=dict(type='default_collate'),
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(
                type='TinyImages', num_classes=100, length=16, classes=CIFAR100_CLASSES[::-1]
            ),
        ),
        distill=dict(
            type='mmlogitkd.LogitDistillHook',
            teacher=dict(config=str(MODELS / 'resnet8.py'), checkpoint=str(checkpoint)),
            losses=dict(loss_kd=dict(type='mmlogitkd.KDLoss')),
        ),
    )
    before = [parameter.detach().clone() for parameter in runner.model.parameters()]
    runner.train()
    assert all(map(torch.isfinite, (p.sum() for p in runner.model.parameters())))
    assert not all(map(torch.equal, before, runner.model.parameters()))
    [hook] = [hook for hook in runner.hooks if type(hook).__name__ == 'LogitDistillHook']
    teacher = hook.distiller.teacher
    expected = published('resnet8')['fc.bias']
    assert isinstance(teacher.model, nn.Module)
    assert torch.equal(teacher.model.head.fc.bias, expected)
    assert torch.equal(teacher.select_classes(expected[None]), expected.flip(0)[None])
