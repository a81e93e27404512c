"""The virtual environment: creating it, asking it, and installing into it with pip."""

import os
import subprocess
import sys
from pathlib import Path

from scripts.setup_env.console import SetupError, run
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
        """Create the environment unless it is there.

        Raises:
            SetupError: The folder holds something else, or this Python has no ``venv``.
        """
        if not self.python.exists():
            ours = {self.state.folder.name, 'bin', 'include', 'lib', 'lib64', 'pyvenv.cfg'}
            others = {entry.name for entry in self.path.iterdir()} - ours
            if others:
                raise SetupError(f'{self.path} is no virtual environment; name another folder.')
        if not self._runs('-m', 'pip', '--version'):
            run(
                f'Creating {self.path}',
                [sys.executable, '-m', 'venv', self.path],
                self.logs / 'venv.log',
                hint=NO_VENV,
            )
        if self.ask('import sys; print(sys.version_info >= (3, 10))') != 'True':
            raise SetupError(f'{self.path} holds a Python older than 3.10; name another folder.')

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
        """Run pip; its own settings (index, links, proxies) stay the user's.

        An installation that was stopped half-way may have left files that pip takes for a
        complete package, so the same step then installs everything anew.
        """
        with self.state.unfinished(step) as was_stopped:
            again = ['--force-reinstall'] if was_stopped and command == 'install' else []
            options = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off']
            run(
                title,
                [self.python, '-m', 'pip', command, *options, *again, *arguments],
                self.logs / f'{step}.log',
                env=self.variables(**variables or {}),
                counter=counter,
                hint=hint,
            )

    def install(self, title: str, *arguments: str | Path, step: str, hint: str = '') -> None:
        """Install packages under the constraints."""
        self.pip(title, 'install', '-c', self.constraints, *arguments, step=step, hint=hint)

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
