"""What the set-up remembers inside the environment: finished stages, and a lock."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.setup_env.console import say


class State:
    """Stamps of finished stages and the marker of an unfinished step.

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
    def unfinished(self, step: str) -> Iterator[bool]:
        """Mark ``step`` while it runs; yields whether an earlier run was stopped inside it."""
        marker = self.folder / f'{step}.unfinished'
        was_stopped = marker.exists()
        marker.touch()
        yield was_stopped
        marker.unlink()


def digest(files: list[Path], *texts: str) -> str:
    """Hash the content of files and some texts: the key of a stage."""
    result = hashlib.sha256()
    for part in [*(path.read_bytes() for path in sorted(files)), *(t.encode() for t in texts)]:
        result.update(len(part).to_bytes(8, 'little'))
        result.update(part)
    return result.hexdigest()
