"""The hook that turns a training run into a distillation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.hooks import Hook, LoggerHook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ..distiller import LogitDistiller
from ..offline import CachedTeacher, build_teacher, tell_epoch
from ..registry import HOOKS, MODELS, TASK_UTILS
from .schedules import WeightSchedule

__all__ = ['LogitDistillHook']


@HOOKS.register_module()
class LogitDistillHook(Hook):
    """Distils a teacher's logits into the model that the runner trains.

    Put it into ``default_hooks`` of any config; the model, its checkpoints, optimizer and EMA copy
    stay the plain student's. All distillation terms are logged by their names, their weights in
    force as ``weight_<name>`` (``weight_kd`` for ``loss_kd``).

    Args:
        teacher: arguments of :class:`mmlogitkd.teacher.Teacher`, above all ``config`` and
            ``checkpoint``; with ``cache``, of :class:`mmlogitkd.offline.CachedTeacher`.
        losses: name to config of a registered loss; names contain ``loss``.
        logits: config of the source of logits, None to infer it from the student.
        schedules: name of a loss to config of a weight schedule, or to a list of them whose
            factors multiply.
        task_weight: factor on the student's own loss terms.
        enabled: False makes the hook do nothing at all.
        validate: check labels and finiteness at every step, also on CUDA, where it makes the host
            wait; otherwise CUDA values are checked at the logging interval.

    Raises:
        ValueError: no teacher or losses, or a schedule for a loss that does not exist.

    Example:
        >>> default_hooks = dict(distill=dict(
        ...     type='mmlogitkd.LogitDistillHook',
        ...     teacher=dict(config='mmpretrain::resnet/resnet34_8xb32_in1k.py',
        ...                  checkpoint='resnet34.pth'),
        ...     losses=dict(loss_ldrld=dict(type='mmlogitkd.LDRLDLoss'))))
    """

    def __init__(
        self,
        teacher: Mapping[str, Any] | None = None,
        losses: Mapping[str, Mapping[str, Any]] | None = None,
        logits: Mapping[str, Any] | None = None,
        schedules: Mapping[str, Any] | None = None,
        task_weight: float = 1.0,
        enabled: bool = True,
        validate: bool = False,
    ) -> None:
        self.distiller: LogitDistiller | None = None
        if not enabled:
            return
        if not teacher or not losses:
            raise ValueError(
                f'LogitDistillHook got teacher={teacher!r} and losses={losses!r}; it needs '
                'teacher=dict(config=..., checkpoint=...) and losses=dict(loss_x=dict(type=...)), '
                'or enabled=False'
            )
        strangers = sorted(set(schedules or ()) - set(losses))
        if strangers:
            raise ValueError(f'schedules for {strangers}, but the losses are {sorted(losses)}')
        self.schedules = {
            name: _build_schedules(config) for name, config in (schedules or {}).items()
        }
        self.distiller = LogitDistiller(
            build_teacher(teacher),
            {name: MODELS.build(dict(config)) for name, config in losses.items()},
            None if logits is None else TASK_UTILS.build(dict(logits)),
            task_weight,
            validate,
        )

    def before_train(self, runner: Runner) -> None:
        """Build the teacher and attach to the student."""
        if self.distiller is None:
            print_log('LogitDistillHook is disabled: plain training', logger='current')
            return
        student = runner.model.module if is_model_wrapper(runner.model) else runner.model
        dataset = runner.train_dataloader.dataset
        if isinstance(self.distiller.teacher, CachedTeacher):
            self.distiller.teacher.dataset = dataset
        self.distiller.attach(student, getattr(dataset, 'metainfo', {}).get('classes'))

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell a training set that is replayed which epoch begins; also where disabled."""
        tell_epoch(runner)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the weights of this step and log them."""
        if self.distiller is None:
            return
        for name, schedules in self.schedules.items():
            self.distiller.factors[name] = math.prod(
                schedule.factor(runner.epoch, runner.iter) for schedule in schedules
            )
        for name, weight in self.distiller.weights.items():
            runner.message_hub.update_scalar(f'train/{_weight_name(name)}', weight)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Look at what the device has noted about the values, as often as losses are logged."""
        if self.distiller is not None and self.every_n_train_iters(runner, _interval(runner)):
            self.distiller.check_values()

    def after_train(self, runner: Runner) -> None:
        """Detach from the student."""
        if self.distiller is not None:
            self.distiller.check_values()
            self.distiller.detach()


def _build_schedules(config: Any) -> list[WeightSchedule]:
    """One schedule or several, as a list."""
    several: Sequence[Any] = config if isinstance(config, (list, tuple)) else [config]
    return [TASK_UTILS.build(dict(one)) for one in several]


def _weight_name(loss_name: str) -> str:
    """A name for the log without 'loss' in it, which MMEngine would treat as a loss term."""
    rest = '_'.join(part for part in loss_name.replace('loss', '_').split('_') if part)
    return f'weight_{rest}' if rest else 'weight_distill'


def _interval(runner: Runner) -> int:
    """The logging interval in iterations."""
    intervals = [hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)]
    return intervals[0] if intervals else 10
