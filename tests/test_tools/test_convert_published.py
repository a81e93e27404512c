import argparse
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import load_checkpoint
from rich.console import Console

from mmlogitkd.analysis.networks import NetworkSize, network_table
from tests.published_networks import figures, state_dict
from tests.tiny import TinyImages, build

MODELS = Path(__file__).parents[2] / 'configs' / '_base_' / 'models' / 'cifar'
Tool = Callable[..., ModuleType]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / 'ckpt_epoch_240.pth'
    torch.save(dict(model=state_dict(figures()[0]['resnet8']['tensors'])), path)
    return path


def test_it_converts_and_does_not_overwrite(
    tool: Tool, published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert = tool('convert_published').main
    out = tmp_path / 'converted' / 'resnet8.pth'
    command = ['resnet8', str(published), str(out)]
    assert convert(command) == 0
    assert f'all 56 tensors of {published}' in capsys.readouterr().out
    assert torch.load(out)['meta']['converted_from'] == 'ckpt_epoch_240.pth'
    out.write_text('mine')
    assert convert(command) == 1
    assert 'exists: give another file, or --overwrite' in capsys.readouterr().err
    assert out.read_text() == 'mine'
    assert convert([*command, '--overwrite']) == 0
    assert len(torch.load(out)['state_dict']) == 56


def test_a_file_with_more_than_weights_needs_trust(
    tool: Tool, published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """CRD's `*_last.pth` hold the arguments of the run beside the weights."""
    torch.save(dict(torch.load(published), opt=argparse.Namespace(lr=0.05)), published)
    convert, out = tool('convert_published').main, tmp_path / 'out.pth'
    assert convert(['resnet8', str(published), str(out)]) == 1
    assert '--trust' in capsys.readouterr().err
    assert convert(['resnet8', str(published), str(out), '--trust']) == 0


def test_the_test_program_takes_what_it_writes(
    tool: Tool, published: Path, config_file: Path, tmp_path: Path
) -> None:
    out, results = tmp_path / 'resnet8.pth', tmp_path / 'predictions.pkl'
    assert tool('convert_published').main(['resnet8', str(published), str(out)]) == 0
    config = Config.fromfile(config_file)
    config.model = Config.fromfile(MODELS / 'resnet8.py').model
    config.test_dataloader.dataset.num_classes = 100
    config.dump(config_file)
    tool('test', config_file, out, '--work-dir', tmp_path / 'run', '--out', results).main()
    model = build(config.model)
    load_checkpoint(model, str(out), strict=True)
    images = TinyImages(num_classes=100, length=10, seed=1).images
    inputs = model.data_preprocessor(dict(inputs=list(images)))['inputs']
    with torch.no_grad():
        expected = model.eval()(inputs, mode='tensor').softmax(dim=1)
    found = torch.stack([p['pred_score'] for p in pickle.loads(results.read_bytes())])
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ('network', 'file', 'message'),
    [
        ('resnet9', 'ckpt_epoch_240.pth', "'resnet9' is none of resnet8"),
        ('nowhere.py', 'ckpt_epoch_240.pth', "network='nowhere.py' does not exist"),
        ('resnet8', 'nowhere.pth', 'nowhere.pth'),
        ('resnet14', 'ckpt_epoch_240.pth', 'is not of this network'),
    ],
)
def test_failures_are_said_in_one_message(
    tool: Tool,
    published: Path,
    capsys: pytest.CaptureFixture[str],
    network: str,
    file: str,
    message: str,
) -> None:
    out = published.with_name('out.pth')
    assert tool('convert_published').main([network, str(published.with_name(file)), str(out)]) == 1
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_where_nothing_can_be_written(
    tool: Tool, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert, folder = tool('convert_published').main, published.parent
    assert convert(['resnet8', str(published), str(folder), '--overwrite']) == 1
    assert f'{folder} is a folder: give a file in it' in capsys.readouterr().err
    assert convert(['resnet8', str(published), str(published / 'out.pth')]) == 1
    assert str(published) in capsys.readouterr().err


def test_the_list_fits_80_columns() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    names = ('mobilenet-v2-half', 'resnet50')
    console.print(
        network_table(NetworkSize(n, 23_705_252, (2048, 4, 4), 1298 * 10**6) for n in names)
    )
    text = console.export_text()
    assert '…' not in text
    assert all(word in text for word in (*names, 'published as', '23,705,252', '2048 × 4 × 4'))


def test_arguments_are_asked_for(tool: Tool, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tool('convert_published').main(['resnet8'])
    assert 'NETWORK, CHECKPOINT and OUT are needed' in capsys.readouterr().err


@pytest.mark.full
def test_the_list_is_the_one_in_the_documentation(
    tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool('convert_published').main(['--list', 'markdown']) == 0
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith('|')]
    assert len(table) == 2 + 23
    page = Path(__file__).parents[2] / 'docs' / 'networks.md'
    assert '\n'.join(table) in page.read_text(encoding='utf-8')
