"""What a study ran on: the processor and the versions that its numbers belong to."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

from mmlogitkd.utils import check_versions
from mmlogitkd.version import __version__

__all__ = ['environment', 'record_environment']


def environment(workers: int, threads: int) -> dict[str, Any]:
    """Return the hardware and the versions of this machine.

    Args:
        workers: Runs at a time.
        threads: Threads of each.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return {
        'processor': _processor(),
        'cores': os.cpu_count(),
        'workers': workers,
        'threads per run': threads,
        'GPUs': [torch.cuda.get_device_name(index) for index in range(count)],
        'system': platform.platform(),
        'python': platform.python_version(),
        'torch': torch.__version__,
        **check_versions(),
        'mmlogitkd': __version__,
    }


def record_environment(path: Path, workers: int, threads: int) -> None:
    """Add this machine to a JSON list, unless it is in it: a study may go on on another one."""
    known = json.loads(path.read_text(encoding='utf-8')) if path.is_file() else []
    here = environment(workers, threads)
    if here not in known:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([*known, here], indent=1) + '\n', encoding='utf-8')


def _processor() -> str:
    """Return the processor's name as the system gives it."""
    try:
        for line in Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
