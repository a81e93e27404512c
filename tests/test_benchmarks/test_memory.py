import sys

import pytest
import torch

from mmlogitkd.benchmarks import memory
from mmlogitkd.benchmarks.memory import MemoryUse, measure_memory, memory_report, teacher_peak

on_linux = pytest.mark.skipif(sys.platform != 'linux', reason="reads Linux's account of memory")


@on_linux
def test_the_peak_is_that_of_the_work_and_is_seen_again():
    kept = []

    def work() -> None:
        kept.append(torch.ones(30 * 2**18))  # 30 MiB that stay, then 60 MiB that do not
        torch.ones(60 * 2**18)

    _, peak = memory._peak_of(work, torch.device('cpu'))
    assert 88 <= peak / 2**20 <= 100
    _, less = memory._peak_of(lambda: torch.ones(20 * 2**18), torch.device('cpu'))
    assert less / 2**20 <= 30


@on_linux
def test_the_teacher_alone_is_weighed(step_settings, in_thread):
    with in_thread(teacher_peak, step_settings) as line:
        line.send('step')
        answer = line.recv()
    assert answer['base'] > 0
    assert answer['weights'] > 4 * 10_000  # ResNet-18 of width 6, float32


def test_the_limit_is_student_weights_and_forward():
    use = MemoryUse(base=500e6, student=100e6, distilled=141e6, weights=30e6, forward=10e6)
    assert use.ratio == pytest.approx(141 / 140)
    row = use.row() | dict(pair='P', loss='KD', size=32, images=4, target=1.0)
    report = memory_report({})
    report.rows.append(row)
    assert '1.007 (missed)' in report.markdown()


@pytest.mark.full
@on_linux
def test_fresh_processes(step_settings):
    use = measure_memory(step_settings, steps=2, repeats=1)
    assert use.base > use.distilled > 0
    assert use.student > 0
