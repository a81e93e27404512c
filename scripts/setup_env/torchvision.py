"""torchvision: the version that belongs to torch, made importable where its compiled part is not.

mmpretrain and mmdet import torchvision for its transforms and box helpers. On a CPU build of torch
the package index's torchvision, a CUDA build, fails with ``operator torchvision::nms does not
exist``; see ``torchvision_shim.py`` for the way out.
"""

import re
import shutil
from pathlib import Path

from scripts.setup_env.console import SetupError, say
from scripts.setup_env.environment import Environment

SHIM = Path(__file__).with_name('torchvision_shim.py')
MODULE = 'mmlogitkd_torchvision_shim'


def partner_of(torch: str) -> str:
    """Return the torchvision releases that belong to a torch release.

    >>> partner_of('2.13.0+cpu')
    '0.28.*'
    """
    match = re.match(r'2\.(\d+)\.', torch)
    if match is None:
        raise SetupError(f'TORCH={torch}: expected a release 2.x.y, such as 2.13.0.')
    return f'0.{int(match[1]) + 15}.*'


def install(env: Environment) -> None:
    """Install torchvision and, where it does not import, the shim.

    Raises:
        SetupError: torchvision does not import even so.
    """
    env.install('Installing torchvision', '--no-deps', 'torchvision', step='torchvision')
    site = Path(env.ask('import sysconfig; print(sysconfig.get_path("purelib"))'))
    module, hook = site / f'{MODULE}.py', site / f'{MODULE}.pth'
    hook.unlink(missing_ok=True)
    error = env.error_of('import torchvision')
    if 'operator torchvision::' in error:
        say('torchvision is built for another torch; declaring its operators in the environment.')
        shutil.copyfile(SHIM, module)
        hook.write_text(f'import {MODULE}\n')
        error = env.error_of('import torchvision')
    if error:
        raise SetupError(f'torchvision does not import:\n{error}')
