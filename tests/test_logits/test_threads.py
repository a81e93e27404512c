"""Several images at a time."""

import os
from threading import Barrier

import pytest
import torch

from mmlogitkd.logits.threads import concurrently

CPU = torch.device('cpu')


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason='one processor, one thread')
def test_works_run_at_the_same_time_in_order_and_without_gradient() -> None:
    barrier = Barrier(2, timeout=30)

    def work(number: int) -> tuple[int, bool]:
        barrier.wait()
        return number, torch.is_grad_enabled()

    works = [lambda number=number: work(number) for number in range(4)]
    assert concurrently(works, CPU) == [(number, False) for number in range(4)]
    assert torch.is_grad_enabled()


@pytest.mark.parametrize('others', [0, 2])
def test_what_goes_wrong_is_passed_on(others: int) -> None:
    def fail() -> int:
        raise RuntimeError('queries cannot be matched')

    with pytest.raises(RuntimeError, match='cannot be matched'):
        concurrently([*[lambda: 1] * others, fail], CPU)
