import subprocess
import sys
from pathlib import Path

import pytest
import torch

from scripts.setup_env.console import SetupError
from scripts.setup_env.torchvision import MODULE, SHIM, partner_of

FAKE = """\
import torch

@torch.library.register_fake('torchvision::nms')
def _nms(dets, scores, iou_threshold):
    return dets.new_empty(0, dtype=torch.long)

@torch.library.register_fake('torchvision::qnms')
def _qnms(dets, scores, iou_threshold):
    return dets.new_empty(0, dtype=torch.long)
"""


@pytest.mark.parametrize(
    ('release', 'partner'),
    [('2.0.1', '0.15.*'), ('2.6.0', '0.21.*'), ('2.9.1', '0.24.*'), ('2.13.0+cpu', '0.28.*')],
)
def test_partner_of_torch(release: str, partner: str) -> None:
    assert partner_of(release) == partner


def test_other_torch_is_refused() -> None:
    with pytest.raises(SetupError, match='TORCH=latest'):
        partner_of('latest')


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the fake torchvision and without any .pth file of this environment."""
    site = Path(torch.__file__).parents[1]
    paths = f'import sys; sys.path[:0] = [{str(folder)!r}]; sys.path.append({str(site)!r})\n'
    command = [sys.executable, '-S', '-c', paths + code]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'torchvision').mkdir()
    (tmp_path / 'torchvision' / '__init__.py').write_text(FAKE)
    (tmp_path / f'{MODULE}.py').write_text(SHIM.read_text())
    return tmp_path


def test_shim_lets_torchvision_import_and_loads_torch_only_then(folder: Path) -> None:
    without = run(folder, 'import torchvision')
    assert 'operator torchvision::nms does not exist' in without.stderr
    code = (
        f'import {MODULE}; assert "torch" not in sys.modules\n'
        'import torchvision, torch\n'
        'assert not [f for f in sys.meta_path if type(f).__module__.endswith("shim")]\n'
        'torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)\n'
    )
    with_shim = run(folder, code)
    assert 'Could not run' in with_shim.stderr or 'NotImplementedError' in with_shim.stderr
    assert 'AssertionError' not in with_shim.stderr
    assert 'does not exist' not in with_shim.stderr
