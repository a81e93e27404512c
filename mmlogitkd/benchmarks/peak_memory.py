"""How much memory a piece of work needs at its highest, by the allocator's own account."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

__all__ = ['expected_peak', 'peak_memory']


def peak_memory(work: Callable[[], object], device: torch.device | str = 'cpu') -> int:
    """Return by how many bytes the memory of tensors grows at most while ``work`` runs.

    What was allocated before does not count. On the CPU every allocation and release of torch's
    allocator is summed up in the order in which the profiler saw them; scratch memory that a
    library takes past the allocator is not seen. On CUDA it is the allocator's peak counter, after
    one call that leaves behind what libraries keep.

    Args:
        work: What is to be measured.
        device: Where its tensors are.

    Raises:
        RuntimeError: The profiler of this torch recorded no allocations.
    """
    device = torch.device(device)
    if device.type != 'cuda':
        return _profiled_peak(work)
    work()
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    work()
    return torch.cuda.max_memory_allocated(device) - before


def expected_peak(
    work_at: Callable[[int], Callable[[], object]],
    size: int,
    device: torch.device | str = 'cpu',
    least: int = 8,
) -> int:
    """Extrapolate a peak from an eighth and a quarter of the size, as a · size + b · size².

    Args:
        work_at: From a size to the work of that size.
        size: The size in question.
        device: Where the work's tensors are.
        least: The smallest size that there is work for.

    Returns:
        Bytes; b is 0 where the peak did not more than double.
    """
    small = max(size // 8, least)
    low, high = (peak_memory(work_at(probe), device) for probe in (small, 2 * small))
    square = max((high - 2 * low) / (2 * small**2), 0)
    linear = high / (2 * small) - square * 2 * small
    return round(linear * size + square * size**2)


def _profiled_peak(work: Callable[[], object]) -> int:
    """The highest running sum of what the CPU allocator gave and took back, in bytes."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        torch.empty(1)  # at least one allocation to be seen
        work()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / 'trace.json'
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text(encoding='utf-8'))['traceEvents']
    changes = [event for event in events if event.get('name') == '[memory]']
    if not changes:
        raise RuntimeError(
            f"the profiler of torch {torch.__version__} recorded no allocations ('[memory]' events "
            'of the exported trace); measure with --device cuda, or with another torch'
        )
    changes.sort(key=lambda event: event['ts'])
    return max(accumulate(event['args']['Bytes'] for event in changes))
