"""The demo with real trainings, cut to seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('mmpretrain')

ROOT = Path(__file__).resolve().parents[2]
TINY = [
    *('train_cfg.max_epochs=1', 'train_cfg.val_interval=1'),
    *('train_dataloader.dataset.num_images=128', 'val_dataloader.dataset.num_images=48'),
    'default_hooks.logger.interval=1',
]


def demo(folder: Path, *arguments: str) -> str:
    command = [sys.executable, str(ROOT / 'tools' / 'demo.py'), '--work-dir', str(folder)]
    command += ['--seeds', '1', '--only', 'LDRLD', *arguments, '--cfg-options', *TINY]
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'COLUMNS': '120'}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_demo_trains_keeps_and_prints(tmp_path):
    first = demo(tmp_path)
    results = {
        path.stem: json.loads(path.read_text()) for path in (tmp_path / 'results').glob('*.json')
    }
    assert set(results) == {'teacher_seed0', 'ldrld_seed1'}
    assert '[2/2]' in first and 'left' in first
    for result in results.values():
        assert f'top-1 {result["validations"][-1]["accuracy/top1"]:.2f}' in first

    assert 'loss_ldrld' in (tmp_path / 'ldrld_seed1' / 'output.txt').read_text()
    table = (tmp_path / 'table.md').read_text()
    assert '| LDRLD |' in table and '| KD |' not in table
    assert (tmp_path / 'figure.png').stat().st_size > 1000

    # The second call trains nothing.
    logs = {path: path.stat().st_mtime_ns for path in tmp_path.glob('*/output.txt')}
    second = demo(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob('*/output.txt')} == logs
    assert '[2/2]' not in second
    assert (tmp_path / 'table.md').read_text() == table


@pytest.mark.full
def test_same_seed_same_result_and_fresh_forgets(tmp_path):
    def losses(name: str) -> list[float]:
        (log,) = (tmp_path / name).glob('*/vis_data/scalars.json')
        return [json.loads(line).get('loss') for line in log.read_text().splitlines()]

    demo(tmp_path)
    first = losses('ldrld_seed1')
    assert len(first) >= 2
    demo(tmp_path, '--fresh')
    assert losses('ldrld_seed1') == first
