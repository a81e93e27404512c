"""Let a detector take distilled training steps, and note what they hold and what they cost."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from .. import losses
from ..distiller import LogitDistiller
from ..logits import LogitSource, RoIHeadLogits, infer_logits
from ..losses import LogitLoss
from ..teacher import Teacher
from ..teacher.build import build_untrained, read_config
from .families import Family
from .family_images import images_with_objects
from .stopwatch import Stopwatch

__all__ = ['LOSSES', 'Outcome', 'Settings', 'try_family']

LOSSES = ('KDLoss', 'DKDLoss', 'NKDLoss', 'LDRLDLoss', 'LumiNetLoss', 'DISTLoss', 'BinaryKDLoss')


@dataclass(frozen=True)
class Settings:
    """How to try a family.

    Attributes:
        size: longer side of the images in pixels.
        images: batch size.
        steps: timed steps, after one that is not timed.
        device: where to train.
        loss: one of :data:`LOSSES`; None takes ``DKDLoss`` for softmax heads and ``BinaryKDLoss``
            for sigmoid heads.
    """

    size: int = 320
    images: int = 2
    steps: int = 3
    device: str = 'cpu'
    loss: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came out for a family.

    Attributes:
        family: which.
        verdict: ``'yes'``, ``'refused'`` or ``'error'``.
        reason: what was raised, empty for ``'yes'``.
        loss: the loss that was taken.
        rows: rows compared in the last step, one entry per call of the loss (stage or layer).
        columns: logits per row.
        step: seconds per step, the median of the steps like the shares.
        teacher: share of the step's time in the teacher, 0 to 1.
        losses: share of the step's time in the distillation loss, forward and backward.
    """

    family: Family
    verdict: str
    reason: str = ''
    loss: str = ''
    rows: tuple[int, ...] = ()
    columns: int = 0
    step: float = 0.0
    teacher: float = 0.0
    losses: float = 0.0


class _WatchedTeacher(Teacher):
    """A teacher whose answers are timed."""

    def __init__(self, config: Any, stopwatch: Stopwatch) -> None:
        super().__init__(config, init='random')
        self._stopwatch = stopwatch

    def score(
        self,
        forward: Callable[[nn.Module, Tensor], Any],
        inputs: Tensor,
        data_samples: Sequence[Any] | None = None,
    ) -> Any:
        with self._stopwatch:
            return super().score(forward, inputs, data_samples)


def try_family(family: Family, settings: Settings) -> Outcome:
    """Train the family's zoo config for some steps with a teacher of the same config.

    Both have random weights of their own. A ValueError that an adapter raises is a refusal, any
    other exception an error; neither is passed on.
    """
    try:
        with DefaultScope.overwrite_default_scope('mmdet'):
            return _try(family, settings)
    except Exception as error:
        said = f'{type(error).__name__}: {error}'
        return (
            Outcome(family, 'refused', str(error))
            if _by_an_adapter(error)
            else Outcome(family, 'error', said)
        )


def _try(family: Family, settings: Settings) -> Outcome:
    config = read_config(family.config)
    torch.manual_seed(0)
    student: Any = build_untrained(config)
    student.to(settings.device).train()
    source = infer_logits(student)
    loss, source = _fitting(source, student, settings.loss)
    device = next(student.parameters()).device
    step, teacher, term = (Stopwatch(device) for _ in range(3))
    seen: list[torch.Size] = []
    loss.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].shape))
    term.watch(loss)
    distiller = LogitDistiller(_WatchedTeacher(config, teacher), {'loss_kd': loss}, source)
    torch.manual_seed(1)
    distiller.attach(student)
    hub = MessageHub.get_current_instance()
    hub.update_info('epoch', 0)  # TOOD, and the image size of YOLOX, depend on them
    hub.update_info('iter', 0)
    parameters = [p for p in student.parameters() if p.requires_grad]
    optimizer = OptimWrapper(torch.optim.SGD(parameters, lr=1e-4))
    with_masks = bool(getattr(student.data_preprocessor, 'pad_mask', False))
    times: list[tuple[float, float, float]] = []
    for number in range(1 + settings.steps):
        for stopwatch in (step, teacher, term):
            stopwatch.reset()
        seen.clear()
        batch = images_with_objects(settings.size, settings.images, number, with_masks)
        with step:
            terms = student.train_step(batch, optimizer)
        if not all(bool(value.isfinite().all()) for value in terms.values()):
            raise RuntimeError(f'step {number} gave terms that are not finite: {terms}')
        times.append((step.seconds, teacher.seconds, term.seconds))
    del times[0]  # memory is allocated and algorithms are chosen in it
    distiller.check_values()
    distiller.detach()
    return Outcome(
        family,
        'yes',
        loss=type(loss).__name__,
        rows=tuple(shape[0] for shape in seen),
        columns=seen[0][1],
        step=median(whole for whole, _, _ in times),
        teacher=median(part / whole for whole, part, _ in times),
        losses=median(part / whole for whole, _, part in times),
    )


def _fitting(
    source: LogitSource, student: nn.Module, name: str | None
) -> tuple[LogitLoss, LogitSource]:
    """The loss, and the source with what a loss for another kind of head needs."""
    activation = source.attach(student)
    without_labels = getattr(source, 'without_labels', None)
    source.detach()
    if name is None:
        label_free = 'KDLoss' if without_labels else 'DKDLoss'
        name = 'BinaryKDLoss' if activation == 'sigmoid' else label_free
    loss: LogitLoss = getattr(losses, name)()
    if loss.activation != activation:
        options = {} if isinstance(source, RoIHeadLogits) else dict(rows='foreground')
        source = type(source)(activation=loss.activation, **options)  # type: ignore[call-arg]
    return loss, source


def _by_an_adapter(error: Exception) -> bool:
    """Whether an adapter raised it on purpose."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    module = frame.f_globals.get('__name__', '')
    return isinstance(error, ValueError) and module.startswith('mmlogitkd.logits')
