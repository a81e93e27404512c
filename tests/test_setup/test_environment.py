import sys
from pathlib import Path

import pytest

from scripts.setup_env import __main__ as entry
from scripts.setup_env import main as setup
from scripts.setup_env.console import SetupError
from scripts.setup_env.environment import Environment


def environment(path: Path) -> Environment:
    result = Environment(path, setup.ROOT / 'constraints.txt')
    with result.state.lock():
        return result


def test_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / 'thesis.tex').write_text('precious')
    with pytest.raises(SetupError, match='no virtual environment'):
        environment(tmp_path).create()
    assert (tmp_path / 'thesis.tex').read_text() == 'precious'


def test_stopped_installation_makes_the_environment_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = environment(tmp_path / 'venv')
    env.create()
    assert env.ask('import sys; print(sys.prefix)') == str(env.path)
    half = env.path / 'lib' / 'half-installed.py'
    half.write_text('')
    env.create()
    assert half.exists(), 'an intact environment must be kept'
    env.pip('Removing pip', 'uninstall', '-y', 'pip', step='removal')
    assert env.ask('import pip; print("pip")') == ''
    env.state.set_done('base', 'key')
    (env.state.folder / 'installing').touch()
    env.create()
    assert not half.exists()
    assert not env.state.is_done('base', 'key')
    assert not env.state.was_stopped()
    assert env.ask('import pip; print("pip")') == 'pip'
    monkeypatch.setattr(sys, 'version_info', (3, 99, 0))
    with pytest.raises(SetupError, match=r'holds Python .* this is Python 3\.99'):
        env.create()


def test_users_python_path_does_not_reach_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    monkeypatch.setenv('PIP_INDEX_URL', 'https://index.example')
    variables = environment(tmp_path / 'venv').variables(MORE='1')
    assert 'PYTHONPATH' not in variables
    assert variables['PATH'].startswith(str(tmp_path / 'venv' / 'bin'))
    assert variables['PIP_INDEX_URL'] == 'https://index.example'
    assert variables['MORE'] == '1'


def test_finished_stage_costs_nothing_and_a_changed_input_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    for name in ('base', 'detection', 'tests'):
        monkeypatch.setattr(
            setup, f'{name}_stage', lambda env, options, name=name: done.append(name)
        )
    python = tmp_path / 'venv' / 'bin' / 'python'
    python.parent.mkdir(parents=True)
    python.touch()
    arguments = ['--venv', str(tmp_path / 'venv')]
    assert setup.main(arguments) == 0
    assert setup.main(arguments) == 0
    assert done == ['base']
    assert setup.main([*arguments, '--detection']) == 0
    assert done == ['base', 'detection']
    assert setup.main([*arguments, '--tests']) == 0
    assert done == ['base', 'detection', 'tests']
    assert setup.main([*arguments, '--tests', '--torch', '2.9.1']) == 0
    assert done == ['base', 'detection', 'tests'] * 2
    python.unlink()
    assert setup.main(arguments) == 0
    assert done == ['base', 'detection', 'tests'] * 2 + ['base']


def test_failure_is_told_without_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise SetupError('no compiler')

    monkeypatch.setattr(setup, 'base_stage', fail)
    assert setup.main(['--venv', str(tmp_path / 'venv')]) == 1
    assert 'Set-up stopped: no compiler' in capsys.readouterr().out


def test_old_python_hands_over_to_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(entry.sys, 'version_info', (3, 8, 1))
    monkeypatch.setattr(entry, 'CANDIDATES', ('no-such-python', sys.executable))
    monkeypatch.setattr(entry.os, 'execvp', lambda _, command: started.append(command))
    monkeypatch.setattr(sys, 'argv', ['setup_env', '--tests'])
    with pytest.raises(SystemExit):
        entry.hand_over()
    assert started[0] == [sys.executable, '-m', 'scripts.setup_env', '--tests']


def test_without_a_newer_python_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(entry.sys, 'version_info', (3, 8, 1))
    monkeypatch.setattr(entry, 'CANDIDATES', ('no-such-python',))
    with pytest.raises(SystemExit) as caught:
        entry.hand_over()
    assert '3.10 or newer' in str(caught.value)
    assert 'apt install python3' in str(caught.value)
    assert 'PYTHON=' in str(caught.value)


def test_constraints_follow_the_torch_that_is_asked_for(tmp_path: Path) -> None:
    assert setup.constraints_for('', tmp_path) == setup.ROOT / 'constraints.txt'
    original = setup.pins(setup.ROOT / 'constraints.txt')
    changed = setup.pins(setup.constraints_for('2.9.1+cu128', tmp_path))
    assert changed['torch'] == '2.9.1+cu128'
    assert changed['torchvision'] == '0.24.*'
    rest = original.keys() - {'torch', 'torchvision'}
    assert {name: changed[name] for name in rest} == {name: original[name] for name in rest}


def test_every_distribution_of_the_extras_is_pinned() -> None:
    source = (setup.ROOT / 'setup.py').read_text()
    pinned = setup.pins(setup.ROOT / 'constraints.txt')
    for name in ('onedl-mmengine', 'onedl-mmpretrain', 'onedl-mmdetection', 'pytest', 'mypy'):
        assert f"'{name}" in source
        assert name in pinned
    assert {distribution for _, distribution in setup.LINES.values()} <= pinned.keys()
