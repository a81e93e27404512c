"""mmcv: without compiled ops for classification, with them (built once, kept) for detection."""

import os
import shutil
import tempfile
from pathlib import Path

from scripts.setup_env.console import SetupError, say
from scripts.setup_env.environment import Environment

GIB = 2**30
JOB_BYTES = 2 * GIB  # of memory per compiler process: torch's headers are large
NEEDS = """\
The detection ops of mmcv are compiled here, and {missing}.
Install what is missing (Debian, Ubuntu: apt install g++ python3-dev; Fedora: dnf install gcc-c++
python3-devel; macOS: xcode-select --install). Classification needs no ops: `make demo` runs
without a compiler."""

HINT = """\
Memory short? With MAX_JOBS=1 before the same command, one file is compiled at a time.
CUDA's compiler and torch do not agree? CUDA_VISIBLE_DEVICES= before it compiles for the CPU."""


class Mmcv:
    """The mmcv of one line inside an environment.

    Args:
        env: The environment, with torch installed.
        distribution: ``onedl-mmcv`` or ``mmcv``.
        version: Its version.
    """

    def __init__(self, env: Environment, distribution: str, version: str) -> None:
        self.env = env
        self.distribution = distribution
        self.requirement = f'{distribution}=={version}'

    def install_without_ops(self) -> None:
        """Install the Python part, unless a usable mmcv of this version is there."""
        if self._is_installed() and self.env.error_of('import mmcv') == '' and not self._broken():
            return
        self._uninstall()
        if self.distribution == 'mmcv':
            self.env.install('Installing mmcv without ops', 'mmcv-lite', step='mmcv')
            return
        # The maintained line has no "lite" distribution, but its build leaves the ops out where it
        # sees no torch: inside pip's isolated build environment. pip's cache must not answer, as
        # it cannot tell this wheel from one with ops, or from one for another torch.
        self.env.install(
            'Installing mmcv without ops',
            *('--no-cache-dir', '--no-binary', self.distribution, self.distribution),
            step='mmcv',
        )

    def install_with_ops(self) -> None:
        """Install mmcv with ops from the wheel cache, building the wheel if there is none.

        Raises:
            SetupError: No compiler, or the build failed.
        """
        if self._is_installed() and self._has_ops() and not self._broken():
            return
        folder = self.wheel_folder()
        kept = sorted(folder.glob('*.whl'))
        if kept:
            say(f'Using the mmcv ops in {kept[-1]}')
            self._install_wheel(kept[-1])
            if not self._broken():
                return
            say('They do not load with this torch; building them anew.')
        self._install_wheel(self._build(folder))
        if self._broken():
            raise SetupError(f'The mmcv ops that were built do not load: {self._broken()}')

    def wheel_folder(self) -> Path:
        """Return where wheels for this package, torch, Python and platform are kept."""
        home = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
        torch = self.env.ask('import torch; print(torch.__version__)')
        tag = self.env.ask(
            'import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform())'
        ).replace(' ', '-')
        device = '-gpu' if self._builds_for_gpu() else ''
        name = f'{self.requirement.replace("==", "-")}-torch-{torch}-{tag}{device}'
        return Path(home) / 'mmlogitkd' / 'wheels' / name

    def _build(self, folder: Path) -> Path:
        compiler = find_compiler(self.env)
        jobs = os.environ.get('MAX_JOBS') or str(number_of_jobs())
        variables = {
            'CXX': compiler,
            'MAX_JOBS': jobs,
            'MMCV_WITH_OPS': '1',
            # Debug symbols are most of the library and a good part of the time.
            'CFLAGS': f'{os.environ.get("CFLAGS", "")} -g0'.strip(),
        }
        if not self._builds_for_gpu():
            variables['CUDA_VISIBLE_DEVICES'] = ''  # or the build looks for a CUDA compiler
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix='.building-') as scratch:
            self.env.pip(
                f'Compiling the ops of {self.requirement} with {jobs} jobs (once, some minutes)',
                'wheel',
                *('-v', '--no-deps', '--no-build-isolation', '--no-cache-dir'),
                *('--no-binary', self.distribution, '-w', scratch, self.requirement),
                step='mmcv-ops',
                variables=variables,
                counter=r'\[(\d+)/(\d+)\]',
                hint=HINT,
            )
            (built,) = Path(scratch).glob('*.whl')
            folder.mkdir(exist_ok=True)
            return Path(shutil.move(built, folder / built.name))

    def _builds_for_gpu(self) -> bool:
        """Whether torch sees a GPU and there is a CUDA compiler to build for it."""
        code = 'import torch; from torch.utils.cpp_extension import CUDA_HOME; '
        return self.env.ask(f'{code}print(torch.cuda.is_available() and bool(CUDA_HOME))') == 'True'

    def _install_wheel(self, wheel: Path) -> None:
        self._uninstall()
        self.env.install('Installing mmcv with ops', wheel, step='mmcv')

    def _uninstall(self) -> None:
        """Remove every mmcv: the distributions share their files."""
        names = [n for n in ('mmcv', 'mmcv-lite', 'onedl-mmcv') if self.env.version(n)]
        if names:
            self.env.pip('Removing the old mmcv', 'uninstall', '-y', *names, step='mmcv-removal')

    def _is_installed(self) -> bool:
        wanted = self.requirement.partition('==')[2]
        names = (self.distribution, f'{self.distribution}-lite')
        return wanted in [self.env.version(name) for name in names]

    def _has_ops(self) -> bool:
        code = 'import importlib.util as u; print(u.find_spec("mmcv._ext") is not None)'
        return self.env.ask(code) == 'True'

    def _broken(self) -> str:
        """Return why the compiled part does not load; empty if it does, or if there is none."""
        return self.env.error_of('import torch, mmcv.ops') if self._has_ops() else ''


def find_compiler(env: Environment) -> str:
    """Return the C++ compiler's command.

    Raises:
        SetupError: There is none, or Python's header files are missing.
    """
    names = [os.environ.get('CXX', ''), 'c++', 'g++', 'clang++']
    found = [name for name in names if name and shutil.which(name.split()[0])]
    missing = []
    if not found:
        missing.append('no C++ compiler is on PATH (c++, g++, clang++, or the one that CXX names)')
    include = env.ask('import sysconfig; print(sysconfig.get_path("include"))')
    if not (Path(include) / 'Python.h').exists():
        missing.append(f"Python's header files are not in {include}")
    if missing:
        raise SetupError(NEEDS.format(missing=' and '.join(missing)))
    return found[0]


def number_of_jobs() -> int:
    """Return how many compilers to run at once: a core each, if memory allows."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        cores = os.cpu_count() or 1
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    return max(1, min(cores, memory // JOB_BYTES))
