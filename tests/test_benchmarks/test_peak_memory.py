import pytest
import torch

from mmlogitkd.benchmarks.peak_memory import expected_peak, peak_memory


def test_what_lives_at_the_same_time_adds_up():
    def one_after_the_other():
        first = torch.ones(1000)
        del first
        second = torch.ones(500)
        return second.exp()

    assert peak_memory(lambda: torch.ones(1000) + torch.ones(1000)) == 3 * 4000
    assert peak_memory(one_after_the_other) == 4000


def test_backward_pass_counts_and_inputs_do_not():
    inputs = torch.ones(10_000, requires_grad=True)
    peak = peak_memory(lambda: torch.autograd.grad(inputs.exp().sum(), inputs))
    assert 2 * 40_000 <= peak < 2 * 40_000 + 100  # exp(x), kept, and its gradient; two scalars


@pytest.mark.parametrize('square', [0, 1])
def test_peak_is_extrapolated_as_a_polynomial(square):
    def work_at(size):
        return lambda: (torch.ones(10, size), torch.ones(size * square, size))

    assert expected_peak(work_at, 4096) == 4 * (10 * 4096 + square * 4096**2)


def test_constant_part_is_extrapolated_upwards():
    assert expected_peak(lambda size: lambda: (torch.ones(1000), torch.ones(size)), 800) >= 4 * 1800


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_cuda_counts_by_its_own_allocator():
    kept = torch.ones(1 << 20, device='cuda')
    assert peak_memory(lambda: torch.ones(1 << 20, device='cuda') + kept, 'cuda') == 2 << 22
