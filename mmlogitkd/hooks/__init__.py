"""MMEngine hooks and the weight schedules that they follow."""

from ..utils.safe_types import register_safe_types
from .logit_distill_hook import LogitDistillHook
from .schedules import (
    CosineSchedule,
    StepSchedule,
    StopSchedule,
    WarmupSchedule,
    WeightSchedule,
)

__all__ = [
    'CosineSchedule',
    'LogitDistillHook',
    'StepSchedule',
    'StopSchedule',
    'WarmupSchedule',
    'WeightSchedule',
]

register_safe_types()
