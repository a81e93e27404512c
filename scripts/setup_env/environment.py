"""The virtual environment: creating it, asking it, and installing into it with pip."""

import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

from scripts.setup_env.console import SetupError, run, say
from scripts.setup_env.state import State

ROOT = Path(__file__).resolve().parents[2]
NO_VENV = """\
This Python cannot create virtual environments. Debian, Ubuntu: apt install python3-venv; or use
another Python: make demo PYTHON=/path/to/python3"""


class Environment:
    """A virtual environment and the constraints under which pip installs into it.

    Args:
        path: Where it is, or shall be.
        constraints: The constraints file for every installation.
    """

    def __init__(self, path: Path, constraints: Path) -> None:
        self.path = path
        self.python = path / 'bin' / 'python'
        self.constraints = constraints
        self.state = State(path / 'mmlogitkd-setup')
        self.logs = self.state.folder / 'logs'

    def create(self) -> None:
        """Create the environment unless it is there; start anew if pip was stopped inside it.

        Raises:
            SetupError: The folder holds something else or another Python, or this Python has no
                ``venv``.
        """
        created_here = self.state.folder / 'created-here'
        if self.state.was_stopped() and created_here.exists():
            say(f'An earlier set-up was stopped half-way; making {self.path} anew.')
            for entry in set(self.path.iterdir()) - {self.state.folder}:
                shutil.rmtree(
                    entry
                ) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            self.state.reset()
        if not self.python.exists() and not created_here.exists():
            if set(self.path.iterdir()) != {self.state.folder}:
                raise SetupError(f'{self.path} is no virtual environment; name another folder.')
            created_here.touch()
        if not self._runs('-m', 'pip', '--version'):
            run(
                f'Creating {self.path}',
                [sys.executable, '-m', 'venv', self.path],
                self.logs / 'venv.log',
                hint=NO_VENV,
            )
        there = self.ask('import sys; print(*sys.version_info[:2], sep=".")')
        here = '.'.join(map(str, sys.version_info[:2]))
        if there != here:
            raise SetupError(
                f'{self.path} holds Python {there}, and this is Python {here}: remove the folder, '
                f'name another (make ... VENV=path) or the same Python (PYTHON=python{there}).'
            )

    def variables(self, **more: str) -> dict[str, str]:
        """Return the process environment with this environment's programs first on PATH."""
        result = {k: v for k, v in os.environ.items() if k not in ('PYTHONPATH', 'PYTHONHOME')}
        result['PATH'] = f'{self.python.parent}{os.pathsep}{result.get("PATH", "")}'
        result['PYTHONNOUSERSITE'] = '1'
        return result | more

    def pip(
        self,
        title: str,
        command: str,
        *arguments: str | Path,
        step: str,
        variables: dict[str, str] | None = None,
        counter: str | None = None,
        hint: str = '',
    ) -> None:
        """Run pip; its own settings (index, links, proxies) stay the user's."""
        options = ['--disable-pip-version-check', '--no-input']
        changes = command in ('install', 'uninstall')
        with self.state.installing() if changes else nullcontext():
            run(
                title,
                [self.python, '-m', 'pip', command, *options, *arguments],
                self.logs / f'{step}.log',
                env=self.variables(PIP_PROGRESS_BAR='off', **variables or {}),
                cwd=self.path,  # pip would take metadata in the repository for an installation
                counter=counter,
                hint=hint,
            )

    def install(self, title: str, *arguments: str | Path, step: str) -> None:
        """Install packages under the constraints."""
        self.pip(title, 'install', '-c', self.constraints, *arguments, step=step)

    def ask(self, code: str) -> str:
        """Return what a piece of Python prints inside the environment; empty if it fails."""
        done = self._process('-c', code)
        return done.stdout.strip() if done.returncode == 0 else ''

    def error_of(self, code: str) -> str:
        """Run a piece of Python inside the environment and return its error output if it fails."""
        done = self._process('-c', code)
        return '' if done.returncode == 0 else done.stderr.strip() or f'exit {done.returncode}'

    def version(self, distribution: str) -> str:
        """Return the installed version of a distribution, or an empty text."""
        return self.ask(f'from importlib.metadata import version; print(version({distribution!r}))')

    def _runs(self, *arguments: str) -> bool:
        return self.python.exists() and self._process(*arguments).returncode == 0

    def _process(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [str(self.python), *arguments],
                env=self.variables(),
                cwd=self.path,  # not the repository: its packages must not shadow installed ones
                capture_output=True,
                text=True,
            )
        except OSError as error:
            raise SetupError(f'{self.python} does not run ({error}); remove {self.path}.') from None
