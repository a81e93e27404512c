import subprocess
import sys
from pathlib import Path

import pytest

from scripts.setup_env.console import SetupError, run


def python(code: str) -> list[str]:
    return [sys.executable, '-u', '-c', code]


def test_output_goes_to_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run('Greeting', python('print("hello")'), tmp_path / 'logs' / 'x.log')
    assert (tmp_path / 'logs' / 'x.log').read_text() == 'hello\n'
    shown = capfd.readouterr().out
    assert 'hello' not in shown
    assert 'Greeting: done' in shown


def test_failure_shows_the_end_of_the_log_and_the_hint(tmp_path: Path) -> None:
    code = 'import sys; [print("line", i) for i in range(99)]; sys.exit(3)'
    with pytest.raises(SetupError) as caught:
        run('Counting', python(code), tmp_path / 'x.log', hint='Count less.')
    message = str(caught.value)
    assert 'Counting failed (exit 3)' in message
    assert str(tmp_path / 'x.log') in message
    assert 'line 98' in message and 'line 1\n' not in message
    assert message.endswith('Count less.')


def test_progress_counts_what_the_command_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('scripts.setup_env.console.QUIET_SECONDS', 0.0)
    code = (
        'import time; print("[1/78] a"); print("[12/78] b"); time.sleep(2)\n'
        'print("a long warning" * 10_000); time.sleep(2)'
    )
    run('Compiling', python(code), tmp_path / 'x.log', counter=r'\[(\d+)/(\d+)\]')
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].endswith(' s] 12/78 Compiling ...')  # the last before "done"


def test_environment_and_folder_reach_the_command(tmp_path: Path) -> None:
    code = 'import os; print(os.environ["COLOUR"], os.getcwd())'
    run('Asking', python(code), tmp_path / 'x.log', env={'COLOUR': 'blue'}, cwd=tmp_path)
    assert (tmp_path / 'x.log').read_text() == f'blue {tmp_path}\n'


def test_interruption_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen):  # type: ignore[type-arg]
        def wait(self, timeout: float | None = None) -> int:
            started.append(self)
            if len(started) == 1:
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, 'Popen', Interrupted)
    with pytest.raises(KeyboardInterrupt):
        run('Sleeping', python('import time; time.sleep(600)'), tmp_path / 'x.log')
    assert started[0].poll() is not None
