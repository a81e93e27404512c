"""What may be said about the fast path, and how it reaches the teacher."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mmengine.config import Config

from mmlogitkd.teacher import Teacher
from mmlogitkd.teacher.fast_options import FastOptions
from tests.tiny import build, classifier_config, full_config


@pytest.mark.parametrize(
    ('fast', 'message'),
    [
        (dict(fused=True), r"fused.*\['fuse', 'channels_last', 'inference_mode'"),
        ('yes', "fast='yes': True, False or a dict"),
        (None, 'fast=None: True, False or a dict'),
        (dict(fuse=1), r'fast\.fuse=1: one of \(True, False\)'),
        (dict(inference_mode='auto'), r"inference_mode='auto': one of \(True, False\)"),
        (dict(skip_unused=None), 'skip_unused=None'),
        (dict(channels_last='always'), r"channels_last='always': one of \('auto', True, False\)"),
        (dict(precision='half'), r"precision='half': one of \('student', 'float32', 'bfloat16'"),
        (
            dict(compile='inductor'),
            r"compile='inductor': True, False, or a dict of torch.compile's",
        ),
    ],
)
def test_unknown_switches_and_values_are_refused(fast: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Teacher(full_config(classifier_config(6)), init='random', fast=fast)


def test_float16_is_for_cuda() -> None:
    config = full_config(classifier_config(6))
    teacher = Teacher(config, init='random', fast=dict(precision='float16'))
    with pytest.raises(ValueError, match=r"'float16' on cpu.*'bfloat16' or 'float32'"):
        teacher.build(build(classifier_config(4)))


def test_all_on_all_off_or_some() -> None:
    assert FastOptions.of(True) == FastOptions.of({}) == FastOptions()
    off = FastOptions.of(False)
    assert not any((off.fuse, off.channels_last, off.inference_mode, off.skip_unused, off.compile))
    assert FastOptions.of(dict(fuse=False)) == FastOptions(fuse=False)


def test_the_command_line_reaches_a_switch() -> None:
    config = Config(dict(teacher=dict(config=full_config(classifier_config(6)), init='random')))
    config.merge_from_dict({'teacher.fast.precision': 'bfloat16'})
    teacher = Teacher(**config.teacher).build(build(classifier_config(4)))
    teacher.score(lambda model, x: model(x, mode='tensor'), torch.randn(2, 3, 16, 16))
    assert teacher.fast_report.endswith('inference mode, bfloat16')
