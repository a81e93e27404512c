"""How the time of every loss grows with rows, classes and depth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .loss_cases import LossCase, training_call
from .loss_settings import Settings, gigabytes, significant
from .loss_targets import GROWTH, in_words, verdicts
from .report import Column, Report

__all__ = ['AXES', 'COLUMNS', 'Axis', 'describe', 'fitted_exponent', 'measure', 'report']


@dataclass(frozen=True)
class Axis:
    """What is made larger.

    Attributes:
        name: 'N', 'C' or 'd'.
        sizes: In geometric steps, from where arithmetic and not the fixed cost of a call decides.
        rows: N, where it is not what grows.
        classes: C, likewise.
        least: The smallest size that every loss takes.
        most: The largest.
        argument: For 'd', loss and the name of its hyper-parameter.

    Raises:
        ValueError: Fewer than two sizes, or one outside of what the losses take.
    """

    name: str
    sizes: tuple[int, ...]
    rows: int = 0
    classes: int = 0
    least: int = 8
    most: int = 10**9
    argument: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.sizes)) < 2 or min(self.sizes) < self.least or max(self.sizes) > self.most:
            raise ValueError(
                f'sizes {self.sizes} of {self.name}: two or more different ones are needed, from '
                f'{self.least} to {self.most}'
            )

    def has(self, case: LossCase) -> bool:
        """Whether the loss is measured along it; of SDD's grids, the one with 5 regions is."""
        return case.regions <= 5 and (not self.argument or case.name in dict(self.argument))

    def work(self, case: LossCase, size: int, settings: Settings) -> Callable[[], object]:
        """Return the loss's forward and backward at that size."""
        options = {dict(self.argument)[case.name]: size} if self.argument else {}
        batch = case.batch(
            size if self.name == 'N' else self.rows,
            size if self.name == 'C' else self.classes,
            settings.device,
            settings.dtype,
        )
        return training_call(case.build(**options), batch)


# A row has about as many pairs of 32 ranks as logits of 512 classes: below d = 32 the classes, not
# the pairs, would decide. With more rows than 64 the pairs of 256 ranks need more than 32 MB a
# tensor, which glibc takes from the system anew every time.
AXES = (
    Axis('N', (2048, 4096, 8192, 16384, 32768), classes=100),
    Axis('C', (256, 512, 1024, 2048, 4096), rows=512),
    Axis(
        'd',
        (32, 64, 128, 256),
        rows=64,
        classes=512,
        most=512,
        argument=(('LDRLD', 'depth'), ('GDKD', 'topk')),
    ),
)


def fitted_exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the slope of the line through log time over log size, by least squares.

    Nothing is subtracted from the times before: the fixed cost of a call is in them and makes the
    slope smaller, which is why the sizes begin where it hardly counts.

    Args:
        sizes: Two different ones or more.
        seconds: A time for each.

    Raises:
        ValueError: There are not two sizes to draw a line through.
    """
    if len(sizes) != len(seconds) or len(set(sizes)) < 2:
        raise ValueError(
            f'sizes={list(sizes)}, seconds={list(seconds)}: a time for each of two sizes or more '
            'is needed'
        )
    x, y = [math.log(size) for size in sizes], [math.log(second) for second in seconds]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return covariance / sum((a - mean_x) ** 2 for a in x)


def measure(case: LossCase, axis: Axis, settings: Settings) -> dict[str, Any]:
    """Time one loss at all sizes of an axis, side by side.

    Args:
        case: The loss; :meth:`Axis.has` it.
        axis: What grows.
        settings: Device, dtype, rounds and limits.

    Returns:
        Plain values: ``ms`` has the median for each of ``sizes``, ``exponent`` is
        :func:`fitted_exponent` of all, ``last`` that of the two largest (None for fewer than two
        sizes), ``needs`` the bytes of the sizes that were left out for them.
    """
    needs: dict[str, int] = {}
    for size in reversed(axis.sizes):
        needed = settings.needs(lambda size: axis.work(case, size, settings), size)
        if needed is None:
            break
        needs[str(size)] = needed
    works = {size: axis.work(case, size, settings) for size in axis.sizes if str(size) not in needs}
    times = settings.times({str(size): work for size, work in works.items()}) if works else {}
    sizes, seconds = list(works), [median(rounds) for rounds in times.values()]
    enough = len(sizes) > 1
    row = {
        'loss': case.name,
        'regions': case.regions,
        'against': axis.name,
        'rows': axis.rows,
        'classes': axis.classes,
        'rounds': max(map(len, times.values()), default=0),
        'sizes': sizes,
        'ms': [1e3 * second for second in seconds],
        'exponent': fitted_exponent(sizes, seconds) if enough else None,
        'last': fitted_exponent(sizes[-2:], seconds[-2:]) if enough else None,
        'needs': needs,
    }
    return {**row, 'targets': verdicts(GROWTH, row)}


def report(settings: Settings) -> Report:
    """Return the table that rows of :func:`measure` go into."""
    return Report(f'Growth of the time of losses ({settings})', settings.plain(), COLUMNS)


def describe(row: dict[str, Any]) -> str:
    """Return a row as a line for a log."""
    return f'{_loss(row)} against {row["against"]}: exponent {_exponent(row, "exponent")}'


def _loss(row: dict[str, Any]) -> str:
    regions = row['regions']
    return f'{row["loss"]}, {regions} regions' if regions else row['loss']


def _shape(row: dict[str, Any]) -> str:
    rows, classes = row['rows'] or 'N', row['classes'] or 'C'
    return f'{rows}×{classes}'


def _range(row: dict[str, Any]) -> str:
    found = f'{row["sizes"][0]} … {row["sizes"][-1]}' if row['sizes'] else '–'
    left_out = (f'{size} {gigabytes(needed)}' for size, needed in row['needs'].items())
    return ', '.join((found, *left_out))


def _milliseconds(row: dict[str, Any]) -> str:
    return f'{significant(row["ms"][0])} … {significant(row["ms"][-1])}' if row['ms'] else '–'


def _exponent(row: dict[str, Any], key: str) -> str:
    return '–' if row[key] is None else f'{row[key]:.2f}'


COLUMNS = (
    Column('Loss', _loss, number=False),
    Column('Logits', _shape),
    Column('Against', lambda row: row['against'], number=False),
    Column('Sizes', _range),
    Column('ms', _milliseconds),
    Column('Exponent', lambda row: _exponent(row, 'exponent')),
    Column('Last doubling', lambda row: _exponent(row, 'last')),
    Column('Target', lambda row: in_words(row['targets']), number=False),
)
