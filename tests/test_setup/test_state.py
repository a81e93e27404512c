import subprocess
import sys
from pathlib import Path

import pytest

from scripts.setup_env.console import SetupError
from scripts.setup_env.state import State, digest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def state(tmp_path: Path) -> State:
    result = State(tmp_path / 'state')
    with result.lock():
        return result


def test_stage_is_done_for_the_same_inputs_only(state: State) -> None:
    assert not state.is_done('base', 'a')
    state.set_done('base', 'a')
    assert state.is_done('base', 'a')
    assert not state.is_done('base', 'b')
    assert not state.is_done('tests', 'a')


def test_half_written_stamp_counts_as_none(state: State) -> None:
    state.set_done('base', 'a')
    stamp = state.folder / 'base.json'
    stamp.write_text(stamp.read_text()[:-3])
    assert not state.is_done('base', 'a')


def test_kill_while_packages_change_is_seen(state: State) -> None:
    code = (
        'import os, pathlib, sys\n'
        'from scripts.setup_env.state import State\n'
        'with State(pathlib.Path(sys.argv[1])).installing():\n'
        '    os.kill(os.getpid(), 9)\n'
    )
    subprocess.run([sys.executable, '-c', code, str(state.folder)], cwd=ROOT)
    assert state.was_stopped()
    state.set_done('base', 'a')
    state.reset()
    assert not state.was_stopped()
    assert not state.is_done('base', 'a')


def test_neither_success_nor_a_failure_of_pip_leaves_the_mark(state: State) -> None:
    with state.installing():
        assert state.was_stopped()
    assert not state.was_stopped()
    with pytest.raises(SetupError), state.installing():
        raise SetupError('no such package')
    assert not state.was_stopped()


def test_second_setup_waits_even_for_an_orphan(state: State, tmp_path: Path) -> None:
    """The first process dies and leaves a child; the lock lives as long as the child."""
    code = (
        'import pathlib, subprocess, sys\n'
        'from scripts.setup_env.state import State\n'
        'with State(pathlib.Path(sys.argv[1])).lock():\n'
        '    subprocess.Popen(["sleep", "2"], close_fds=False)\n'
        '    import os; os._exit(0)\n'
    )
    subprocess.run([sys.executable, '-c', code, str(state.folder)], cwd=ROOT, check=True)
    code = (
        'import pathlib, sys\n'
        'from scripts.setup_env.state import State\n'
        'with State(pathlib.Path(sys.argv[1])).lock():\n'
        '    print("mine")\n'
    )
    second = subprocess.run(
        [sys.executable, '-c', code, str(state.folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert second.stdout.splitlines()[0].startswith('Another set-up is at work')
    assert second.stdout.splitlines()[-1] == 'mine'


def test_digest_separates_files_and_texts(tmp_path: Path) -> None:
    first, second = tmp_path / 'a', tmp_path / 'b'
    first.write_text('xy')
    second.write_text('z')
    whole = digest([first, second], 'onedl')
    assert digest([second, first], 'onedl') == whole
    assert digest([first, second], 'upstream') != whole
    first.write_text('x')
    second.write_text('yz')
    assert digest([first, second], 'onedl') != whole
