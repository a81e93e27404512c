import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IGNORED = shutil.ignore_patterns('__pycache__', '.mim')


@pytest.fixture(scope='module')
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the package is built from; building writes into the tree."""
    copy = tmp_path_factory.mktemp('tree')
    for name in ('mmlogitkd', 'configs', 'tools', 'tests/test_setup'):
        shutil.copytree(ROOT / name, copy / name, ignore=IGNORED)
    files = ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'model-index.yml', 'LICENSE')
    for name in files:
        shutil.copy(ROOT / name, copy / name)
    return copy


def build(tree: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, 'setup.py', '-q', *command], cwd=tree, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('by_way_of_sdist', [False, True])
def test_wheel_holds_package_configs_and_tools(
    tree: Path, tmp_path: Path, by_way_of_sdist: bool
) -> None:
    if by_way_of_sdist:
        build(tree, 'sdist', '--dist-dir', str(tmp_path))
        shutil.unpack_archive(next(tmp_path.glob('*.tar.gz')), tmp_path)
        tree = next(path for path in tmp_path.iterdir() if path.is_dir())
    build(tree, 'bdist_wheel', '--dist-dir', str(tmp_path))
    names = set(zipfile.ZipFile(next(tmp_path.glob('*.whl'))).namelist())
    mim = 'mmlogitkd/.mim'
    expected = {
        f'{mim}/{path.relative_to(ROOT)}'
        for folder in ('configs', 'tools')
        for path in (ROOT / folder).rglob('*')
        if path.suffix in ('.py', '.sh', '.yml', '.md')
    }
    expected |= {f'{path.relative_to(ROOT)}' for path in (ROOT / 'mmlogitkd').rglob('*.py')}
    expected.add(f'{mim}/model-index.yml')
    assert expected <= names, sorted(expected - names)[:5]
    assert not [name for name in names if name.startswith(('tests', 'tools', 'configs', 'scripts'))]
    assert [name for name in names if name.endswith('LICENSE')]


def test_editable_build_leaves_the_checkout_alone(tree: Path) -> None:
    code = (
        'import sys; sys.argv = ["setup.py", "-q", "--version"]\n'
        'from setuptools.dist import Distribution\n'
        'from setup import BuildWithMimFiles\n'
        'command = BuildWithMimFiles(Distribution(dict(packages=["mmlogitkd"])))\n'
        'command.ensure_finalized()\n'
        'command.editable_mode = True\n'
        'command.run()\n'
    )
    subprocess.run([sys.executable, '-c', code], cwd=tree, check=True)
    assert not (tree / 'mmlogitkd' / '.mim').exists()
