import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from mmengine.config import Config

Tool = Callable[..., ModuleType]


def prepared(tool: Tool, name: str, *arguments: object) -> Config:
    """Return the config that the program would run."""
    program = tool(name, *arguments)
    args = program.parse_args()
    config = program.load_config(args)
    program.apply_arguments(config, args)
    return config


def test_trains_validates_and_resumes(tool: Tool, config_file: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    tool('train', config_file, '--work-dir', whole).main()
    one = ('--cfg-options', 'train_cfg.max_epochs=1')
    tool('train', config_file, '--work-dir', parts, *one).main()
    assert not (parts / 'epoch_2.pth').exists()
    tool('train', config_file, '--work-dir', parts, '--resume').main()
    first, second = (
        torch.load(folder / 'epoch_2.pth', weights_only=False)['state_dict']
        for folder in (whole, parts)
    )
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    scalars = next(whole.glob('*/vis_data/scalars.json')).read_text()
    assert '"accuracy/top1"' in scalars


def test_no_validate_trains_without_validation(
    tool: Tool, config_file: Path, tmp_path: Path
) -> None:
    # MMEngine keeps one log per name, and its own names of one second are the same
    name = ('--cfg-options', 'experiment_name=without_validation')
    tool('train', config_file, '--work-dir', tmp_path / 'run', '--no-validate', *name).main()
    assert (tmp_path / 'run' / 'epoch_2.pth').exists()
    assert 'accuracy' not in next((tmp_path / 'run').glob('*/vis_data/scalars.json')).read_text()


def test_work_dir_follows_the_config_name(tool: Tool, config_file: Path) -> None:
    assert prepared(tool, 'train', config_file).work_dir == str(Path('work_dirs/plain_tiny'))


def test_resume_from_a_path_and_from_the_latest(tool: Tool, config_file: Path) -> None:
    plain = prepared(tool, 'train', config_file)
    latest = prepared(tool, 'train', config_file, '--resume')
    named = prepared(tool, 'train', config_file, '--resume', 'epoch_1.pth')
    assert plain.get('resume', False) is False
    assert (latest.resume, latest.load_from) == (True, None)
    assert (named.resume, named.load_from) == (True, 'epoch_1.pth')


def test_amp_keeps_the_loss_scale_of_the_config(tool: Tool, config_file: Path) -> None:
    wrapper = prepared(tool, 'train', config_file, '--amp').optim_wrapper
    assert (wrapper.type, wrapper.loss_scale) == ('AmpOptimWrapper', 'dynamic')
    option = ('--cfg-options', 'optim_wrapper.loss_scale=512')
    assert prepared(tool, 'train', config_file, '--amp', *option).optim_wrapper.loss_scale == 512


def test_auto_scale_lr_needs_the_base_batch_size(tool: Tool, config_file: Path) -> None:
    assert prepared(tool, 'train', config_file, '--auto-scale-lr').auto_scale_lr.enable is True
    text = config_file.read_text().replace('base_batch_size=16', 'enable=False')
    config_file.write_text(text)
    with pytest.raises(ValueError, match='base_batch_size'):
        prepared(tool, 'train', config_file, '--auto-scale-lr')


def test_dataloader_defaults_are_those_of_mmpretrain(tool: Tool, config_file: Path) -> None:
    loader = prepared(tool, 'train', config_file).train_dataloader
    assert loader.collate_fn == dict(type='default_collate')
    assert loader.pin_memory is True
    assert loader.persistent_workers is False  # torch refuses it with num_workers=0
    options = ('--cfg-options', 'train_dataloader.num_workers=2')
    workers = prepared(tool, 'train', config_file, *options).train_dataloader
    assert workers.persistent_workers is True
    flags = ('--no-pin-memory', '--no-persistent-workers')
    off = prepared(tool, 'train', config_file, *flags, *options).train_dataloader
    assert (off.pin_memory, off.persistent_workers) == (False, False)


def test_dataloaders_of_mmdet_stay_as_they_are(tool: Tool, tmp_path: Path) -> None:
    loader = dict(batch_size=2, num_workers=2, persistent_workers=True, dataset=dict(type='X'))
    path = tmp_path / 'detector.py'
    Config(dict(model=dict(type='mmdet.RetinaNet'), train_dataloader=loader)).dump(path)
    config = prepared(tool, 'train', path)
    assert config.default_scope == 'mmdet'
    assert config.train_dataloader == loader


@pytest.mark.parametrize('program', ['train', 'test'])
@pytest.mark.parametrize('spelling', ['--local_rank', '--local-rank'])
def test_launchers_of_every_torch_are_understood(
    tool: Tool, config_file: Path, program: str, spelling: str
) -> None:
    checkpoint = ('model.pth',) if program == 'test' else ()
    prepared(tool, program, config_file, *checkpoint, f'{spelling}=3', '--launcher', 'pytorch')
    assert os.environ['LOCAL_RANK'] == '3'


@pytest.mark.parametrize('program', ['train', 'test'])
def test_mim_must_not_find_gpus_in_the_help(
    tool: Tool, program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        tool(program, '--help').parse_args()
    text = capsys.readouterr().out
    assert '--launcher' in text
    assert '--gpus' not in text
