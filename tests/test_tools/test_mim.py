import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.config import Config

ROOT = Path(__file__).parents[2]
MIM = Path(sys.executable).parent / 'mim'
pytestmark = pytest.mark.skipif(not MIM.exists(), reason='mim is not in this environment')


def mim(folder: Path, *arguments: object) -> str:
    """Run mim and return what it printed."""
    done = subprocess.run(
        [str(MIM), *(str(argument) for argument in arguments), '--work-dir', str(folder)],
        cwd=folder,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),  # for the images in tests.tiny
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    'package', ['mmpretrain', pytest.param('mmlogitkd', marks=pytest.mark.full)]
)
def test_mim_distils_and_tests(
    package: str, config_file: Path, distill: Callable[..., dict], tmp_path: Path
) -> None:
    config = Config.fromfile(config_file)
    config.custom_imports.imports.append('mmlogitkd')
    config.default_hooks.distill = distill()
    config.train_cfg.max_epochs = 1
    config.log_level = 'INFO'
    config.dump(config_file)
    # mmpretrain's program asks for persistent workers even where there are no workers.
    output = mim(tmp_path, 'train', package, config_file, '--no-persistent-workers')
    assert re.search(r'Epoch\(train\) .* loss_kd: ', output), output
    # The plain config and the plain program test what came out.
    del config.default_hooks.distill
    config.custom_imports.imports.remove('mmlogitkd')
    plain = tmp_path / 'plain' / 'tiny.py'
    plain.parent.mkdir()
    config.dump(plain)
    checkpoint = tmp_path / 'epoch_1.pth'
    tested = mim(tmp_path, 'test', 'mmpretrain', plain, '--checkpoint', checkpoint)
    scores = [re.findall(r'accuracy/top1: ([\d.]+)', text)[-1] for text in (output, tested)]
    assert scores[0] == scores[1]


@pytest.mark.full
def test_mim_finds_our_configs_by_name(tmp_path: Path) -> None:
    """The program stops at a flag that it does not know, after mim has found the config."""
    name = 'kd_resnet34-resnet18_8xb32_in1k.py'
    with pytest.raises(AssertionError, match=rf'will use \S+/{name}') as caught:
        mim(tmp_path, 'train', 'mmlogitkd', name, '--bogus')
    assert 'unrecognized arguments: --bogus' in str(caught.value)
