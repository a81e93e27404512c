"""Every loss of the package beside its straightforward form, and logits to measure both on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from .. import losses
from . import straightforward as plain
from . import straightforward_masked as masked

__all__ = ['CASES', 'KD', 'Form', 'LossCase', 'choose', 'training_call']

Form = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Student's logits, teacher's logits, labels -> rows' losses, or the batch mean."""


@dataclass(frozen=True)
class LossCase:
    """One loss, twice.

    Attributes:
        name: As in the tables; SDD's grids share one.
        module: The registered module, or a partial of it.
        form: The straightforward form.
        regions: R of its logits (N, C, R); 0 for plain (N, C).
    """

    name: str
    module: Callable[..., losses.LogitLoss] = field(repr=False)
    form: Form = field(repr=False)
    regions: int = 0

    def build(self, **options: Any) -> losses.LogitLoss:
        """Return the module; ``options`` replace hyper-parameters."""
        return self.module(**options)

    def straightforward(self, student: Tensor, teacher: Tensor, target: Tensor) -> Tensor:
        """Return the batch mean of the straightforward form, in float32 or above."""
        dtype = torch.promote_types(student.dtype, torch.float32)
        return self.form(student.to(dtype), teacher.to(dtype), target).mean()

    def batch(
        self,
        rows: int,
        classes: int,
        device: torch.device | str = 'cpu',
        dtype: torch.dtype = torch.float32,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return random logits and labels, the same for the same shape.

        Args:
            rows: N.
            classes: C.
            device: Where they live.
            dtype: Of the logits.

        Returns:
            Student's logits (N, C) or (N, C, R) that require a gradient, the teacher's, and
            labels (N,); the logits' standard deviation is 2. The classes of a region are side by
            side in memory, as the sources of logits put them.
        """
        generator = torch.Generator().manual_seed(rows * classes)
        shape = (self.regions, rows, classes) if self.regions else (rows, classes)
        student, teacher = (
            (2 * torch.randn(shape, generator=generator)).to(device, dtype) for _ in range(2)
        )
        if self.regions:
            student, teacher = student.permute(1, 2, 0), teacher.permute(1, 2, 0)
        target = torch.randint(classes, (rows,), generator=generator).to(device)
        return student.requires_grad_(), teacher, target


def _sdd(base: LossCase, scales: tuple[int, ...]) -> LossCase:
    regions = sum(scale**2 for scale in scales)
    return LossCase(
        f'SDD (on {base.name})',
        partial(losses.SDDLoss, base=base.build(), scales=scales),
        partial(masked.sdd, base.form),
        regions,
    )


KD = LossCase('KD', losses.KDLoss, plain.kd)
"""What the others are measured against."""
_LDRLD = LossCase('LDRLD', losses.LDRLDLoss, masked.ldrld)
_LSKD = partial(losses.StandardizedLoss, base=losses.KDLoss(temperature=2.0))

CASES = (
    KD,
    LossCase('DKD', losses.DKDLoss, masked.dkd),
    LossCase('NKD', losses.NKDLoss, masked.nkd),
    LossCase('DIST', losses.DISTLoss, plain.dist),
    LossCase('LSKD', _LSKD, plain.lskd),
    LossCase('TTM', losses.TTMLoss, plain.ttm),
    LossCase('WTTM', losses.WTTMLoss, plain.wttm),
    LossCase('RLD', losses.RLDLoss, masked.rld),
    LossCase('GDKD', losses.GDKDLoss, masked.gdkd),
    LossCase('MLKD', losses.MLKDLoss, plain.mlkd),
    LossCase('Binary KD', losses.BinaryKDLoss, plain.binary_kd),
    LossCase('LumiNet', losses.LumiNetLoss, plain.luminet),
    _LDRLD,
    *(_sdd(base, scales) for base in (KD, _LDRLD) for scales in ((1, 2), (1, 2, 4))),
)
"""All losses, with the published hyper-parameters."""


def training_call(loss: Form, batch: tuple[Tensor, Tensor, Tensor]) -> Callable[[], object]:
    """Return the work of a training step: the loss of a batch, and its gradient in the student."""
    student = batch[0]
    return lambda: torch.autograd.grad(loss(*batch), student)


def choose(names: Sequence[str] | None) -> list[LossCase]:
    """Return the losses with these names, upper or lower case, in the order of the table.

    Args:
        names: None for all. ``'SDD'`` stands for SDD on every base and grid.

    Raises:
        ValueError: A name that is none of :data:`CASES`.
    """
    if names is None:
        return list(CASES)
    wanted = {name.lower() for name in names}
    legal = list(dict.fromkeys(case.name for case in CASES))
    if unknown := wanted - {name.lower() for name in legal} - {'sdd'}:
        raise ValueError(f'No such losses: {sorted(unknown)}; there are {legal}')
    return [
        case for case in CASES if case.name.lower() in wanted or (case.regions and 'sdd' in wanted)
    ]
