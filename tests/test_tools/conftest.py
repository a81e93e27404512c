"""A config file as users have one, and the programs of ``tools/`` as functions."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from mmengine.config import Config

from tests.tiny import NUM_CLASSES, runner_config

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """Plain mmpretrain: 24 images to train on, 10 for validation and test, 2 epochs."""
    config = runner_config(tmp_path / 'unused', epochs=2)
    del config['work_dir']
    # MMEngine keeps one log per name, and its own names are the same within a second
    config['experiment_name'] = tmp_path.name
    images = dict(type='TinyImages', num_classes=NUM_CLASSES, length=10, seed=1)
    loader = dict(
        batch_size=5,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=images,
    )
    evaluator = dict(type='Accuracy', topk=(1,))
    del config['train_dataloader']['collate_fn']
    config.update(
        custom_imports=dict(imports=['tests.tiny']),
        val_dataloader=loader,
        val_evaluator=evaluator,
        val_cfg=dict(),
        test_dataloader=loader,
        test_evaluator=evaluator,
        test_cfg=dict(),
        auto_scale_lr=dict(base_batch_size=16),
    )
    config['default_hooks']['checkpoint'] = dict(type='CheckpointHook', interval=1)
    config['default_hooks']['visualization'] = dict(type='VisualizationHook')
    path = tmp_path / 'plain_tiny.py'
    Config(config).dump(path)
    return path


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Load a program of ``tools/`` and give it a command line."""

    def load(name: str, *arguments: object) -> ModuleType:
        monkeypatch.setattr(sys, 'argv', [name, *(str(a) for a in arguments)])
        monkeypatch.delenv('LOCAL_RANK', raising=False)
        spec = importlib.util.spec_from_file_location(f'tools_{name}', TOOLS / f'{name}.py')
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
