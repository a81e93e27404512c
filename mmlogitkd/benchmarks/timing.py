"""Times of several pieces of work that are measured side by side, so that their ratios hold."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TypeVar

import torch

__all__ = ['Times', 'interleaved', 'ratio', 'turned']

Item = TypeVar('Item')

Times = dict[str, list[float]]
"""Name of a piece of work to its seconds per call, one entry per round."""


def interleaved(
    works: Mapping[str, Callable[[], object]],
    rounds: int = 15,
    warm_up: int = 2,
    least_seconds: float = 0.0,
    device: torch.device | str = 'cpu',
) -> Times:
    """Time every piece of work once per round, in an order that turns from round to round.

    What disturbs the machine for a while then disturbs all of them, and :func:`ratio` takes it out.
    On CUDA the clock waits for the device.

    Args:
        works: Name to what is to be timed.
        rounds: How often.
        warm_up: Calls of each before the clock starts.
        least_seconds: A measurement repeats a call until it lasts about this long, so that the
            clock's resolution and single interruptions do not show.
        device: Where the work is done.

    Returns:
        Seconds per call of every round.

    Raises:
        ValueError: Nothing to time, or no rounds.
    """
    if not works or rounds < 1:
        raise ValueError(f'works={sorted(works)}, rounds={rounds}: at least one of each expected')
    device = torch.device(device)
    repeats = {}
    for name, work in works.items():
        for _ in range(warm_up):
            work()
        once = _seconds(work, 1, device)
        repeats[name] = max(math.ceil(least_seconds / max(once, 1e-9)), 1)
    times: Times = {name: [] for name in works}
    for number in range(rounds):
        for name in turned(list(works), number):
            times[name].append(_seconds(works[name], repeats[name], device) / repeats[name])
    return times


def turned(items: Sequence[Item], number: int) -> list[Item]:
    """Return all items, beginning with the ``number``-th, in whose round each is first in turn."""
    first = number % len(items)
    return [*items[first:], *items[:first]]


def ratio(times: Times, of: str, to: str) -> float:
    """Return the median over the rounds of one work's time divided by another's."""
    return median(a / b for a, b in zip(times[of], times[to], strict=True))


def _seconds(work: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Wall-clock seconds of ``repeats`` calls, the device's work included."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    for _ in range(repeats):
        work()
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    return time.perf_counter() - started
