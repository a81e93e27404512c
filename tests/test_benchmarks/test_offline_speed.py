"""The four kinds of runs are what they are called, and all of them are timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmlogitkd.benchmarks.offline_speed import (
    KINDS,
    OfflineSettings,
    measure_offline,
    offline_report,
    prepared_configs,
)

SMALL = 'configs/cifar100_methods/ldrld_resnet20-resnet8_1xb64-8e_cifar100-5k.py'


@pytest.fixture
def settings() -> OfflineSettings:
    config = Path(__file__).parents[2] / SMALL
    return OfflineSettings(str(config), workers=0, steps=2, warm_up=1)


def test_each_kind_is_what_it_is_called(settings: OfflineSettings, tmp_path: Path) -> None:
    found = {
        kind: (
            config.default_hooks.distill.get('enabled', True),
            config.train_dataloader.dataset.type == 'mmlogitkd.ReplayDataset',
            config.default_hooks.distill.teacher.get('cache') is not None,
        )
        for kind, config in prepared_configs(settings, tmp_path).items()
    }
    assert found == {
        'student': (False, False, False),
        'replayed': (False, True, False),
        'cached': (True, True, True),
        'online': (True, False, False),
    }


def test_all_kinds_are_timed(settings: OfflineSettings, tmp_path: Path) -> None:
    times = measure_offline(settings, tmp_path, rounds=1)
    assert {kind: len(seconds) for kind, seconds in times.items()} == dict.fromkeys(KINDS, 1)
    assert all(seconds[0] > 0 for seconds in times.values())
    report = offline_report({}, [(0, times)])
    [row] = report.rows
    assert row['cached ratio'] == times['cached'][0] / times['student'][0]
    assert 'Cached / student' in report.markdown()


def test_steps_that_leave_nothing_to_time_are_refused() -> None:
    with pytest.raises(ValueError, match=r'steps=5, warm_up=5: .* at least 6 are needed'):
        OfflineSettings('config.py', steps=5)
