"""Weight schedules: values at known counts, and what is refused."""

import math

import pytest

from mmlogitkd.hooks import CosineSchedule, StepSchedule, StopSchedule, WarmupSchedule
from mmlogitkd.registry import TASK_UTILS


def over(schedule, epochs: int) -> list[float]:
    return [schedule.factor(epoch, 1000 + epoch) for epoch in range(epochs)]


def test_warmup_counts_epochs_from_one() -> None:
    assert over(WarmupSchedule(end=4), 6) == [0.25, 0.5, 0.75, 1, 1, 1]
    assert over(WarmupSchedule(end=1), 2) == [1, 1]


def test_iterations_are_counted_where_asked() -> None:
    schedule = WarmupSchedule(end=10, by_epoch=False)
    assert schedule.factor(epoch=99, iteration=0) == 0.1
    assert schedule.factor(epoch=0, iteration=9) == 1


def test_cosine_falls_from_one_to_final() -> None:
    schedule = CosineSchedule(begin=2, end=6, final=0.2)
    values = over(schedule, 8)
    assert values[:2] == [1, 1] and values[5:] == [0.2, 0.2, 0.2]
    assert values[3] == pytest.approx(0.6)
    assert values[2] == pytest.approx(0.2 + 0.8 * (1 + math.cos(math.pi / 4)) / 2)
    assert values == sorted(values, reverse=True)


def test_step_multiplies_at_each_milestone() -> None:
    assert over(StepSchedule(milestones=(2, 4), gamma=0.5), 5) == [1, 0.5, 0.5, 0.25, 0.25]


def test_stop_ends_the_loss() -> None:
    assert over(StopSchedule(begin=3), 4) == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(type='WarmupSchedule', end=0), 'end=0'),
        (dict(type='CosineSchedule', end=1), 'begin=1, end=1'),
        (dict(type='CosineSchedule', end=5, final=-1), 'final=-1'),
        (dict(type='StepSchedule', milestones=()), r'milestones=\(\)'),
        (dict(type='StepSchedule', milestones=(4, 2)), r'milestones=\(4, 2\)'),
        (dict(type='StepSchedule', milestones=(4,), gamma=-0.5), 'gamma=-0.5'),
        (dict(type='StopSchedule', begin=1), 'begin=1'),
    ],
)
def test_bad_arguments_are_named(config: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TASK_UTILS.build(dict(config, type='mmlogitkd.' + config['type']))
