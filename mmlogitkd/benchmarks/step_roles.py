"""What the processes of the step and memory benchmarks do: train, distil, or only ask the teacher.

The teacher alone is the very call that the distilled run makes in its steps
(:meth:`mmlogitkd.teacher.Teacher.score` with the adapter's function): a classifier's logits; a
dense detector's class maps; backbone, neck and box head over the boxes that the student sampled.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from ..distiller import LogitDistiller
from ..hooks import LogitDistillHook
from ..registry import HOOKS
from ..teacher.build import build_untrained
from . import prepared  # noqa: F401  (registers the data set)
from .step_config import StepSettings, distilled_config, plain_config
from .step_hooks import StepClock, hold
from .workers import Turns

__all__ = ['ask_teacher', 'autocast', 'device_of', 'prepared_process', 'recorded_calls', 'train']


def train(turns: Turns, settings: StepSettings, steps: int, distilled: bool) -> None:
    """Train with MMEngine's Runner, one iteration a turn.

    Args:
        turns: where turns come from.
        settings: of the step.
        steps: how many turns there will be.
        distilled: with the teacher, or the plain student.
    """
    with prepared_process(settings) as folder:
        config = distilled_config(settings, steps, folder)
        runner = Runner.from_cfg(config if distilled else plain_config(config))
        hold(runner, StepClock(turns, device_of(settings), distiller_of(runner)))
        runner.train()


def ask_teacher(turns: Turns, settings: StepSettings, steps: int) -> None:
    """Let the teacher score the batches of the distilled run, one a turn."""
    with prepared_process(settings) as folder:
        config = distilled_config(settings, settings.batches, folder)
        distiller, calls = recorded_calls(config, settings)
        clock = StepClock(turns, device_of(settings))
        with autocast(settings):
            for number in range(steps):
                args, kwargs = calls[number % len(calls)]
                clock.begin()
                distiller.teacher.score(*args, **kwargs)
                clock.end()


def recorded_calls(
    config: Config, settings: StepSettings
) -> tuple[LogitDistiller, list[tuple[tuple, dict]]]:
    """Return a distiller with a built teacher, and what its adapter asks the teacher per batch.

    The student that samples the boxes has the weights that the distilled run starts from.
    """
    MMLogger.get_instance('benchmark', log_level='ERROR')
    init_default_scope(config.default_scope)
    torch.manual_seed(0)
    student: Any = build_untrained(config)
    student.to(device_of(settings)).train()
    hook: LogitDistillHook = HOOKS.build(config.default_hooks.distill.to_dict())
    distiller = hook.distiller
    assert distiller is not None
    distiller.attach(student)
    calls: list[tuple[tuple, dict]] = []
    score = distiller.teacher.score

    def record(*args: Any, **kwargs: Any) -> Any:
        calls.append((args, kwargs))
        return score(*args, **kwargs)

    distiller.teacher.score = record  # type: ignore[method-assign]
    with torch.no_grad(), autocast(settings):
        for batch in Runner.build_dataloader(config.train_dataloader, seed=0):
            student(**student.data_preprocessor(batch, True), mode='loss')
    distiller.teacher.score = score  # type: ignore[method-assign]
    distiller.detach()
    return distiller, calls


def distiller_of(runner: Runner) -> LogitDistiller | None:
    """The distiller of a run, None in a plain one."""
    hooks = [hook for hook in runner.hooks if isinstance(hook, LogitDistillHook)]
    return hooks[0].distiller if hooks else None


def device_of(settings: StepSettings) -> torch.device:
    """The device of the settings."""
    return torch.device(settings.device)


def autocast(settings: StepSettings) -> Any:
    """The context that the optimizer wrapper runs the student's forward pass in."""
    if settings.amp is None:
        return nullcontext()
    return torch.autocast(settings.device, getattr(torch, settings.amp))


@contextmanager
def prepared_process(settings: StepSettings) -> Iterator[Path]:
    """Set up the process; yield a folder that is gone at the end."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
