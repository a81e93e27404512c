import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import pytest

from mmlogitkd.utils import check_versions, versions


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Distributions that seem to be installed, and no ecosystem module imported."""
    present: dict[str, str] = {}

    def version(name: str) -> str:
        if name not in present:
            raise PackageNotFoundError(name)
        return present[name]

    monkeypatch.setattr(versions, 'version', version)
    monkeypatch.setattr(versions.sys, 'modules', {})
    return present


def test_the_line_that_runs_these_tests_is_accepted() -> None:
    assert {'mmengine', 'mmpretrain'} <= check_versions().keys()


@pytest.mark.parametrize(
    'line',
    [
        {'onedl-mmengine': '0.10.12', 'onedl-mmcv': '2.3.6', 'onedl-mmdetection': '3.5.1'},
        {'mmengine': '0.10.7', 'mmcv-lite': '2.1.0', 'mmpretrain': '1.2.0'},
        {'mmengine': '0.11.0rc1'},
        {},
    ],
)
def test_either_line_or_a_part_of_it_is_accepted(
    installed: dict[str, str], line: dict[str, str]
) -> None:
    installed.update(line)
    assert list(check_versions().values()) == list(line.values())


def test_wrong_version_is_named_with_the_legal_ones(installed: dict[str, str]) -> None:
    installed.update({'onedl-mmengine': '0.10.12', 'mmdet': '2.28.2'})
    with pytest.raises(ImportError, match=r'mmdet 2\.28\.2 .* >=3\.3\.0,<4\.0'):
        check_versions()


def test_two_lines_at_once_are_refused(installed: dict[str, str]) -> None:
    installed.update({'onedl-mmcv': '2.3.6', 'mmcv': '2.1.0'})
    with pytest.raises(ImportError, match=r'onedl-mmcv 2\.3\.6 and mmcv 2\.1\.0 .* uninstall both'):
        check_versions()


def test_module_from_a_source_tree_is_checked_once_imported(installed: dict[str, str]) -> None:
    versions.sys.modules['mmpretrain'] = SimpleNamespace(__version__='0.25.0')
    with pytest.raises(ImportError, match=r'mmpretrain 0\.25\.0'):
        check_versions()
    versions.sys.modules['mmpretrain'] = SimpleNamespace(__version__='1.2.0')
    assert check_versions() == {'mmpretrain': '1.2.0'}


def test_register_all_modules_makes_every_class_known() -> None:
    """In a process of its own: here other tests have imported the classes already."""
    code = (
        'from mmengine.registry import DefaultScope\n'
        'from mmlogitkd.utils import register_all_modules\n'
        'from mmlogitkd.registry import DATASETS, HOOKS, MODELS, TASK_UTILS\n'
        'registries = (DATASETS, HOOKS, MODELS, TASK_UTILS)\n'
        'assert not any(len(r) for r in registries)\n'
        'register_all_modules(init_default_scope=False)\n'
        'assert all(len(r) for r in registries), [len(r) for r in registries]\n'
        'assert "LDRLDLoss" in MODELS and "LogitDistillHook" in HOOKS\n'
        'assert DefaultScope.get_current_instance() is None\n'
        'register_all_modules()\n'
        'assert DefaultScope.get_current_instance().scope_name == "mmlogitkd"\n'
        'DefaultScope.get_instance("student", scope_name="mmpretrain")\n'
        'register_all_modules()\n'
        'assert DefaultScope.get_current_instance().scope_name == "mmpretrain"\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
