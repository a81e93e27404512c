"""Fresh processes that take turns: each waits until it is told, works, and answers."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from .timing import turned

__all__ = ['Turns', 'Worker', 'WorkerError', 'rounds_of', 'serve']

Answer = dict[str, Any]


class WorkerError(RuntimeError):
    """A process ended before its work was done; the message holds its traceback."""


class Turns:
    """The worker's end of the line.

    Args:
        connection: to the process that hands out the turns.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._said_ready = False

    def wait(self) -> str:
        """Wait for a turn and return which kind of it; the first wait says that all is ready."""
        if not self._said_ready:
            self._connection.send({})
            self._said_ready = True
        return self._connection.recv()

    def answer(self, **values: Any) -> None:
        """Give the turn back, with what was measured."""
        self._connection.send(values)


class Worker:
    """A process of its own, started with a fresh interpreter.

    Args:
        name: what to call it in messages.
        work: a function at module level, called in the process with a :class:`Turns` and ``args``.
        args: what else it is given.
        environment: environment variables that it starts with.
    """

    def __init__(
        self,
        name: str,
        work: Callable[..., None],
        args: Sequence[Any] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        spawn = get_context('spawn')
        self._connection, theirs = spawn.Pipe()
        self._process = spawn.Process(
            target=serve, args=(work, theirs, *args), name=name, daemon=True
        )
        with _variables(environment or {}):
            self._process.start()
        theirs.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def ready(self) -> Worker:
        """Wait until it waits."""
        self._receive()
        return self

    def turn(self, kind: str = 'step') -> Answer:
        """Let it work once and return its answer."""
        try:
            self._connection.send(kind)
        except OSError as error:
            raise WorkerError(f'{self.name} has ended') from error
        return self._receive()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._connection.close()
        self._process.terminate()
        self._process.join()

    def _receive(self) -> Answer:
        try:
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerError(
                f'{self.name} ended without an answer (killed for its memory?)'
            ) from error
        if isinstance(answer, str):
            raise WorkerError(f'{self.name} failed:\n{answer}')
        return answer


def rounds_of(workers: Sequence[Worker], rounds: int, warm_up: int) -> dict[str, list[Answer]]:
    """Give every worker one turn per round, in an order that turns from round to round.

    Args:
        workers: all of them ready.
        rounds: how many count.
        warm_up: rounds before these.

    Returns:
        Name of a worker to its answers.
    """
    answers: dict[str, list[Answer]] = {worker.name: [] for worker in workers}
    for number in range(warm_up + rounds):
        for worker in turned(workers, number):
            answer = worker.turn()
            if number >= warm_up:
                answers[worker.name].append(answer)
    return answers


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def serve(work: Callable[..., None], connection: Connection, *args: Any) -> None:
    """Run in the new process."""
    try:
        work(Turns(connection), *args)
    except (EOFError, BrokenPipeError):
        pass  # nobody wants an answer any more
    except BaseException:
        connection.send(traceback.format_exc())
