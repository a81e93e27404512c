"""The programs that time the losses."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mmlogitkd.benchmarks import growth
from mmlogitkd.benchmarks.loss_targets import Target

Tool = Callable[..., ModuleType]


def test_losses(tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = tool('benchmarks/losses').main
    arguments = ['--only', 'kd', 'LDRLD', '--shapes', '16x10', '20x8', '--rounds', '1']
    assert main([*arguments, '--out', str(tmp_path / 'new')]) == 0
    shown = capsys.readouterr().out
    assert '[4/4] LDRLD, 20×8: ms ' in shown
    content = json.loads((tmp_path / 'new' / 'losses.json').read_text())
    assert content['settings']['threads'] == torch.get_num_threads()
    rows = content['rows']
    found = [(row['rows'], row['classes'], row['loss']) for row in rows]
    assert found == [(16, 10, 'KD'), (16, 10, 'LDRLD'), (20, 8, 'KD'), (20, 8, 'LDRLD')]
    lines = (tmp_path / 'new' / 'losses.md').read_text().splitlines()
    assert lines[0] == '# Losses, forward and backward (cpu, float32, 1 threads)'
    headings = '| Loss | Logits | ms | × KD | Speed-up | By compiling | MB |'
    assert lines[2].startswith(headings) and len(lines) == 8
    assert all(row['by_compiling'] is None for row in rows)
    few = ['--only', 'KD', '--shapes', '16x10', '--rounds', '1', '--compile']
    assert main([*few, '--out', str(tmp_path / 'compiled')]) == 0
    (row,) = json.loads((tmp_path / 'compiled' / 'losses.json').read_text())['rows']
    assert row['by_compiling'] > 0


def test_missed_target_changes_the_exit_status(
    tool: Tool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    never = Target('exponent', {'loss': 'LDRLD'}, most=-9.0)
    monkeypatch.setattr(growth, 'GROWTH', (never,))
    arguments = ['--only', 'LDRLD', '--against', 'C', '--sizes', '8', '16', '--rounds', '1']
    main = tool('benchmarks/growth').main
    assert main(arguments) == 0
    assert main([*arguments, '--check']) == 1
    assert 'Targets missed: 1' in capsys.readouterr().out


def test_growth(tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ['--against', 'd', '--sizes', '16', '8', '--rounds', '1', '--out', str(tmp_path)]
    assert tool('benchmarks/growth').main(arguments) == 0
    assert '[2/2] LDRLD against d: exponent ' in capsys.readouterr().out
    content = json.loads((tmp_path / 'growth.json').read_text())
    assert [row['loss'] for row in content['rows']] == ['GDKD', 'LDRLD']
    assert [row['sizes'] for row in content['rows']] == [[8, 16], [8, 16]]
    assert '| LDRLD | 64×512 | d | 8 … 16 |' in (tmp_path / 'growth.md').read_text()


@pytest.mark.parametrize(
    ('name', 'arguments', 'said'),
    [
        ('losses', ['--only', 'XKD'], "No such losses: ['xkd']; there are ['KD', "),
        ('losses', ['--shapes', '256'], 'rows and classes as in 256x1000'),
        ('losses', ['--rounds', '0'], 'must be above 0, got 0'),
        ('losses', ['--device', 'nowhere'], 'nowhere: '),
        ('growth', ['--sizes', '8', '16'], '--sizes needs one --against'),
        ('growth', ['--against', 'N', '--sizes', '8'], 'two or more different ones'),
    ],
)
def test_what_cannot_be_measured(
    tool: Tool, capsys: pytest.CaptureFixture[str], name: str, arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        tool(f'benchmarks/{name}').main(arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
