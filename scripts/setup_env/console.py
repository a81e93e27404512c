"""Run long commands with a progress line, and keep what they print in a log file."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

QUIET_SECONDS = 20.0  # between two lines where the output is not a terminal
TAIL_LINES = 30


class SetupError(Exception):
    """The set-up cannot go on; the message says why and what to do."""


def say(message: str) -> None:
    """Print one line at once."""
    print(message, flush=True)


def run(
    title: str,
    command: Sequence[str | Path],
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    counter: str | None = None,
    hint: str = '',
) -> None:
    """Run a command to its end while a line shows the elapsed time.

    Args:
        title: What the step does, in a few words.
        command: The program and its arguments.
        log: Where its output goes.
        env: The environment, this process's if None.
        cwd: The working folder, this process's if None.
        counter: Regular expression with two groups, done and total, to look for in the output.
        hint: What to tell the user in addition when the command fails.

    Raises:
        SetupError: The command failed; the message holds the end of its output.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    line = _ProgressLine(title, start)
    with log.open('wb') as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            close_fds=False,  # it holds the lock too, should it outlive this process
        )
        try:
            count = ''
            while True:
                if counter:
                    count = _count(log, counter) or count
                line.show(count)
                try:
                    code = process.wait(timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    continue
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code != 0:
        line.close('FAILED')
        tail = log.read_text(errors='replace').splitlines()[-TAIL_LINES:]
        shown = '\n'.join(f'    {text[:300]}' for text in tail)
        raise SetupError(
            f'{title} failed (exit {code}). The end of {log}:\n{shown}\n{hint}'.rstrip()
        )
    line.close('done')


def _count(log: Path, counter: str) -> str:
    """Return `` 12/78`` from the last match of ``counter`` in the last part of the log."""
    with log.open('rb') as stream:
        stream.seek(max(0, log.stat().st_size - 65536))
        found = re.findall(counter, stream.read().decode(errors='replace'))
    return f' {found[-1][0]}/{found[-1][1]}' if found else ''


class _ProgressLine:
    """One line that ticks on a terminal; a line now and then elsewhere."""

    def __init__(self, title: str, start: float) -> None:
        self.title = title
        self.start = start
        self.terminal = sys.stdout.isatty()
        self.last_shown = start
        if not self.terminal:
            say(self._text(' ...'))

    def show(self, count: str) -> None:
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f'\r{self._text(count=count)[:width]}\x1b[K', end='', flush=True)
        elif time.monotonic() - self.last_shown >= QUIET_SECONDS:
            self.last_shown = time.monotonic()
            say(self._text(' ...', count))

    def close(self, word: str) -> None:
        say(('\r\x1b[K' if self.terminal else '') + self._text(f': {word}'))

    def _text(self, ending: str = '', count: str = '') -> str:
        return f'[{time.monotonic() - self.start:4.0f} s]{count} {self.title}{ending}'
