from __future__ import annotations

import json
import os

import torch

from mmlogitkd.analysis.environment import record_environment
from mmlogitkd.utils import check_versions


def test_every_machine_is_recorded_once(tmp_path):
    path = tmp_path / 'out' / 'environment.json'
    record_environment(path, workers=2, threads=3)
    record_environment(path, workers=2, threads=3)
    (here,) = json.loads(path.read_text())
    assert here['processor'] and here['cores'] == os.cpu_count()
    assert (here['workers'], here['threads per run']) == (2, 3)
    assert len(here['GPUs']) == torch.cuda.device_count()
    assert here['torch'] == torch.__version__ and check_versions().items() <= here.items()
    record_environment(path, workers=1, threads=3)
    assert [machine['workers'] for machine in json.loads(path.read_text())] == [2, 1]
