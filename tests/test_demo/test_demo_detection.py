"""The detection demo with real trainings, cut to seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('mmcv.ops')

ROOT = Path(__file__).resolve().parents[2]
TINY = [
    *('train_cfg.max_epochs=1', 'train_cfg.val_interval=1'),
    *('train_dataloader.dataset.indices=16', 'val_dataloader.dataset.indices=4'),
    *('default_hooks.logger.interval=1', 'default_hooks.checkpoint.interval=1'),
]


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / 'tools' / 'demo_detection.py'), *arguments]
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'COLUMNS': '140'}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=environment, timeout=900
    )


def test_demo_trains_compares_and_draws(tmp_path: Path):
    done = demo(tmp_path, '--only', 'LumiNet', '--cfg-options', *TINY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / 'data' / 'shape_scenes' / 'annotations' / 'instances_val.json').is_file()
    for name in ('faster-rcnn', 'gfl'):
        folder = tmp_path / 'work_dirs' / 'demo_detection' / name
        results = {path.stem: json.loads(path.read_text()) for path in folder.glob('results/*')}
        assert set(results) == {'teacher_seed0', 'luminet_seed0'}
        assert 'loss_luminet' in (folder / 'luminet_seed0' / 'output.txt').read_text()
        table = (folder / 'table.md').read_text()
        assert '| AP50 |' in table and '| LumiNet |' in table
        assert (folder / 'boxes.png').stat().st_size > 10_000
    assert done.stdout.count(' objects missed') == 4  # two models of each detector


def test_a_mistake_stops_before_anything_is_made(tmp_path: Path):
    done = demo(tmp_path, '--workers', '0')
    assert done.returncode == 2
    assert '--workers must be at least 1, got 0' in done.stderr
    assert not list(tmp_path.iterdir())
