"""What the benchmarks of losses share: options, and times within limits of memory and patience."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from .peak_memory import expected_peak
from .timing import Times, interleaved

__all__ = ['Settings', 'add_arguments', 'gigabytes', 'settings_of', 'significant']

_DTYPES = {'float32': torch.float32, 'bfloat16': torch.bfloat16}
_LEAST_ROUNDS = 3
_LEAST_SECONDS = 0.02  # of one measurement, so that the clock's resolution does not show


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        device: Where.
        dtype: Of the logits.
        rounds: Of measurement.
        seconds: About how long the rounds of one row of the table may take together; slow work
            gets fewer of them, 3 at least.
        max_memory: Bytes; what needs more beyond its inputs is left out.
        compile: Whether the losses are measured as ``torch.compile`` makes them, too.
    """

    device: torch.device = field(default_factory=lambda: torch.device('cpu'))
    dtype: torch.dtype = torch.float32
    rounds: int = 15
    seconds: float = 20.0
    max_memory: float = 8e9
    compile: bool = False

    def needs(self, work_at: Callable[[int], Callable[[], object]], size: int) -> int | None:
        """Return the bytes that the work of a size is expected to need, None if within the limit.

        Args:
            work_at: From a size to the work of that size.
            size: The size in question.
        """
        peak = expected_peak(work_at, size, self.device)
        return peak if peak > self.max_memory else None

    def times(self, works: Mapping[str, Callable[[], object]]) -> Times:
        """Time the works side by side, each warmed up, in as many rounds as there is time for."""
        first = interleaved(works, rounds=1, warm_up=0, device=self.device)
        affordable = int(self.seconds / sum(seconds for (seconds,) in first.values()))
        rounds = min(self.rounds, max(affordable, _LEAST_ROUNDS))
        return interleaved(
            works, rounds, warm_up=0, least_seconds=_LEAST_SECONDS, device=self.device
        )

    def plain(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return {
            'device': str(self.device),
            'dtype': str(self.dtype).removeprefix('torch.'),
            'threads': torch.get_num_threads(),
            'rounds': self.rounds,
            'seconds': self.seconds,
            'max_memory': self.max_memory,
            'compile': self.compile,
        }

    def __str__(self) -> str:
        plain = self.plain()
        threads = f', {plain["threads"]} threads' if self.device.type == 'cpu' else ''
        return f'{self.device}, {plain["dtype"]}{threads}'


def gigabytes(needed: int) -> str:
    """Say why there is no number."""
    return f'needs {significant(needed / 1e9)} GB'


def significant(number: float) -> str:
    """Write a number with three digits, without an exponent."""
    return f'{number:#.3g}'.rstrip('.') if 1e-4 < number < 999.5 else f'{number:.0f}'


def add_arguments(parser: argparse.ArgumentParser, rounds: int) -> None:
    """Add the options that the benchmarks of losses share.

    Args:
        parser: To add them to.
        rounds: Default of ``--rounds``.
    """
    parser.add_argument('--only', nargs='+', metavar='LOSS', help='only these losses')
    parser.add_argument(
        '--device', type=_device, default='cpu', help='cpu, cuda, cuda:1, ... (cpu)'
    )
    parser.add_argument('--dtype', choices=list(_DTYPES), default='float32', help='of the logits')
    parser.add_argument('--threads', type=_positive(int), help="torch's threads (its own choice)")
    parser.add_argument(
        '--rounds', type=_positive(int), default=rounds, help=f'of measurement ({rounds})'
    )
    parser.add_argument(
        '--seconds',
        type=_positive(float),
        default=20.0,
        help='for the rounds of one row; slow work gets fewer rounds, 3 at least (20)',
    )
    parser.add_argument(
        '--max-memory',
        type=_positive(float),
        default=8.0,
        metavar='GB',
        help='leave out what needs more beyond its inputs (8)',
    )
    parser.add_argument('--out', type=Path, help='folder for the table and for the data as JSON')
    parser.add_argument('--check', action='store_true', help='exit status 1 if a target is missed')


def settings_of(args: argparse.Namespace) -> Settings:
    """Return what the command line says; ``--threads`` takes effect."""
    if args.threads:
        torch.set_num_threads(args.threads)
    return Settings(
        args.device, _DTYPES[args.dtype], args.rounds, args.seconds, args.max_memory * 1e9
    )


def _positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    """A number above 0, for argparse."""

    def positive(text: str) -> float:
        number = kind(text)
        if not number > 0:
            raise argparse.ArgumentTypeError(f'must be above 0, got {text}')
        return number

    return positive


def _device(text: str) -> torch.device:
    """A device of this machine, for argparse."""
    try:
        device = torch.device(text)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise argparse.ArgumentTypeError(f'{text}: {str(error).splitlines()[0]}') from error
    return device
