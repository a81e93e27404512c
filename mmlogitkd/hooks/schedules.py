"""Factors on a loss weight over training, derived from the runner's epoch or iteration alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..registry import TASK_UTILS

__all__ = ['CosineSchedule', 'StepSchedule', 'StopSchedule', 'WarmupSchedule', 'WeightSchedule']


class WeightSchedule:
    """A factor as a function of progress.

    Args:
        by_epoch: count epochs (True) or iterations (False). Both count from 1: the first epoch is
            1, as in the papers.
    """

    def __init__(self, by_epoch: bool = True) -> None:
        self.by_epoch = by_epoch

    def factor(self, epoch: int, iteration: int) -> float:
        """Return the factor in force.

        Args:
            epoch: ``runner.epoch``, from 0.
            iteration: ``runner.iter``, from 0.
        """
        return self.at((epoch if self.by_epoch else iteration) + 1)

    def at(self, count: int) -> float:
        """Return the factor in the ``count``-th epoch or iteration, from 1."""
        raise NotImplementedError


@TASK_UTILS.register_module()
class WarmupSchedule(WeightSchedule):
    """Linear warm-up, ``min(count / end, 1)``, as DKD, LumiNet and SDD train.

    Args:
        end: first epoch (or iteration) with the full weight, at least 1.
        by_epoch: whether ``end`` counts epochs or iterations.

    Raises:
        ValueError: ``end`` below 1.
    """

    def __init__(self, end: int, by_epoch: bool = True) -> None:
        super().__init__(by_epoch)
        if end < 1:
            raise ValueError(f'end={end!r}: the first epoch is 1, so end >= 1 expected')
        self.end = end

    def at(self, count: int) -> float:
        """``min(count / end, 1)``."""
        return min(count / self.end, 1.0)


@TASK_UTILS.register_module()
class CosineSchedule(WeightSchedule):
    """From 1 at ``begin`` along half a cosine to ``final`` at ``end``, constant outside.

    ``final + (1 - final) * (1 + cos(pi * (count - begin) / (end - begin))) / 2``

    Args:
        end: first epoch (or iteration) with the factor ``final``.
        begin: last one with the factor 1.
        final: factor at the end.
        by_epoch: what ``begin`` and ``end`` count.

    Raises:
        ValueError: ``end`` not after ``begin``, or a negative ``final``.
    """

    def __init__(self, end: int, begin: int = 1, final: float = 0.0, by_epoch: bool = True) -> None:
        super().__init__(by_epoch)
        if not 1 <= begin < end:
            raise ValueError(f'begin={begin!r}, end={end!r}: 1 <= begin < end expected')
        if not final >= 0:
            raise ValueError(f'final={final!r}: a number >= 0 expected')
        self.begin, self.end, self.final = begin, end, float(final)

    def at(self, count: int) -> float:
        """The cosine between ``begin`` and ``end``."""
        if count >= self.end:
            return self.final
        done = max(count - self.begin, 0) / (self.end - self.begin)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * done)) / 2


@TASK_UTILS.register_module()
class StepSchedule(WeightSchedule):
    """Multiplied by ``gamma`` at each milestone: ``gamma ** (milestones <= count)``.

    Args:
        milestones: epochs (or iterations) from which one more factor applies, ascending.
        gamma: factor per milestone.
        by_epoch: what the milestones count.

    Raises:
        ValueError: no milestones, milestones below 1 or not ascending, or a negative ``gamma``.
    """

    def __init__(
        self, milestones: Sequence[int], gamma: float = 0.1, by_epoch: bool = True
    ) -> None:
        super().__init__(by_epoch)
        if not milestones or milestones[0] < 1 or list(milestones) != sorted(set(milestones)):
            raise ValueError(f'milestones={milestones!r}: ascending numbers from 1 expected')
        if not gamma >= 0:
            raise ValueError(f'gamma={gamma!r}: a number >= 0 expected')
        self.milestones, self.gamma = tuple(milestones), float(gamma)

    def at(self, count: int) -> float:
        """``gamma`` to the number of milestones reached."""
        return self.gamma ** sum(milestone <= count for milestone in self.milestones)


@TASK_UTILS.register_module()
class StopSchedule(WeightSchedule):
    """1 before ``begin``, 0 from it on; the loss (and an idle teacher) is then not run.

    Args:
        begin: first epoch (or iteration) without the loss, at least 2.
        by_epoch: what ``begin`` counts.

    Raises:
        ValueError: ``begin`` below 2: the loss would never be used.
    """

    def __init__(self, begin: int, by_epoch: bool = True) -> None:
        super().__init__(by_epoch)
        if begin < 2:
            raise ValueError(
                f'begin={begin!r}: the loss would never run; begin >= 2, or leave the loss out'
            )
        self.begin = begin

    def at(self, count: int) -> float:
        """1, or 0 from ``begin`` on."""
        return float(count < self.begin)
