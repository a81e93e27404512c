"""What the set-up remembers inside the environment: finished stages, and a lock."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.setup_env.console import SetupError, say


class State:
    """Stamps of finished stages, and a mark while packages are being changed.

    Args:
        folder: A folder inside the environment.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the environment; child processes hold it too, so an orphan is waited for."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / 'lock').open('w') as handle:
            os.set_inheritable(handle.fileno(), True)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say('Another set-up is at work in this environment; waiting for it to end ...')
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def is_done(self, stage: str, key: str) -> bool:
        """Whether ``stage`` was finished with exactly these inputs."""
        try:
            stamp = json.loads((self.folder / f'{stage}.json').read_text())
        except (OSError, ValueError):
            return False
        return bool(stamp == {'key': key})

    def set_done(self, stage: str, key: str) -> None:
        """Write the stamp in one move: it is there in full or not at all."""
        temporary = self.folder / f'{stage}.json.tmp'
        temporary.write_text(json.dumps({'key': key}))
        os.replace(temporary, self.folder / f'{stage}.json')

    @contextmanager
    def installing(self) -> Iterator[None]:
        """Mark that packages are being changed; the mark stays if the process is stopped."""
        self._mark.touch()
        try:
            yield
        except SetupError:  # pip gave up by itself, and left things as they were
            self._mark.unlink()
            raise
        self._mark.unlink()

    def was_stopped(self) -> bool:
        """Whether an earlier run was stopped while it changed packages."""
        return self._mark.exists()

    def reset(self) -> None:
        """Forget everything; the mark goes last."""
        for stamp in self.folder.glob('*.json'):
            stamp.unlink()
        self._mark.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path:
        return self.folder / 'installing'


def digest(files: list[Path], *texts: str) -> str:
    """Hash the content of files and some texts: the key of a stage."""
    result = hashlib.sha256()
    for part in [*(path.read_bytes() for path in sorted(files)), *(t.encode() for t in texts)]:
        result.update(len(part).to_bytes(8, 'little'))
        result.update(part)
    return result.hexdigest()
