"""Recording one value from inside the student's forward pass."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import nn

__all__ = ['Call', 'Tap']


class Call(NamedTuple):
    """One run of a module."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any


class Tap:
    """Records what goes into or comes out of a module while it is armed.

    Runs of the module outside the armed span (validation, the recomputation of activation
    checkpointing, the passes of region cells) leave no record.

    Args:
        module: where to listen.
        name: what to call it in messages.
        side: ``'output'``, ``'input'`` (its first positional argument), or ``'call'`` (a
            :class:`Call` with all arguments and the output).
    """

    def __init__(self, module: nn.Module, name: str, side: str = 'output') -> None:
        if side not in ('input', 'output', 'call'):
            raise ValueError(f"side={side!r}: 'input', 'output' or 'call' expected")
        self.name = name
        self.side = side
        self._armed = False
        self._records: list[Any] = []
        self._handle = module.register_forward_hook(self._record, with_kwargs=True)

    def _record(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        if self._armed:
            call = Call(args, kwargs, output)
            side = self.side
            self._records.append(call if side == 'call' else args[0] if side == 'input' else output)

    def arm(self) -> None:
        """Forget what a broken-off pass may have left, and listen."""
        self._records = []
        self._armed = True

    def take(self) -> Any:
        """Stop listening and return the one record, keeping no reference to it.

        Raises:
            RuntimeError: the module ran not at all or more than once in the armed span.
        """
        records = self.take_all()
        if len(records) != 1:
            raise RuntimeError(
                f'{self.name} ran {len(records)} times in one training step of the student; '
                'exactly one run can be matched with the teacher'
            )
        return records[0]

    def take_all(self) -> list[Any]:
        """Stop listening and return the records in order, keeping no reference to them."""
        records, self._records, self._armed = self._records, [], False
        return records

    def remove(self) -> None:
        """Take the hook off the module."""
        self._handle.remove()
        self._armed, self._records = False, []
