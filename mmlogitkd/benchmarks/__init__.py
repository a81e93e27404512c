"""Measuring what distillation costs: losses, training steps, memory, and how they grow.

The programs in ``tools/benchmarks`` are its command lines.
"""

from .report import Column, Report
from .timing import Times, interleaved, ratio

__all__ = ['Column', 'Report', 'Times', 'interleaved', 'ratio']
