import sysconfig
from pathlib import Path

import pytest

from scripts.setup_env import mmcv
from scripts.setup_env.console import SetupError
from scripts.setup_env.environment import Environment
from scripts.setup_env.mmcv import Mmcv, find_compiler, number_of_jobs


class Answers(Environment):
    """An environment in which every question has a given answer."""

    def __init__(self, path: Path, answers: dict[str, str], error: str = '') -> None:
        super().__init__(path, path / 'constraints.txt')
        self.answers = answers
        self.error = error
        self.installed: list[str] = []

    def ask(self, code: str) -> str:
        return next((answer for part, answer in self.answers.items() if part in code), '')

    def error_of(self, code: str) -> str:
        return self.error

    def pip(self, title: str, command: str, *arguments: object, **_: object) -> None:
        self.installed.append(' '.join([command, *map(str, arguments)]))


INCLUDE = {'get_path("include")': sysconfig.get_path('include')}


def test_missing_compiler_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.delenv('CXX', raising=False)
    with pytest.raises(SetupError, match=r'no C\+\+ compiler') as caught:
        find_compiler(Answers(tmp_path, INCLUDE))
    assert 'apt install g++ python3-dev' in str(caught.value)
    assert 'header files' not in str(caught.value)


def test_missing_headers_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / 'c++'
    compiler.touch(mode=0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.delenv('CXX', raising=False)
    with pytest.raises(SetupError, match='header files') as caught:
        find_compiler(Answers(tmp_path, {'get_path("include")': str(tmp_path)}))
    assert 'no C++ compiler' not in str(caught.value)


def test_users_compiler_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('c++', 'my-compiler'):
        (tmp_path / name).touch(mode=0o755)
    (tmp_path / 'Python.h').touch()
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setenv('CXX', 'my-compiler -v')
    env = Answers(tmp_path, {'get_path("include")': str(tmp_path)})
    assert find_compiler(env) == 'my-compiler -v'
    monkeypatch.delenv('CXX')
    assert find_compiler(env) == 'c++'


def test_jobs_fit_cores_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = 5 * mmcv.GIB
    sizes = {'SC_PAGE_SIZE': 4096, 'SC_PHYS_PAGES': memory // 4096}
    monkeypatch.setattr(mmcv.os, 'sysconf', sizes.__getitem__)
    monkeypatch.setattr(mmcv.os, 'sched_getaffinity', lambda _: set(range(16)), raising=False)
    assert number_of_jobs() == 2
    monkeypatch.setattr(mmcv.os, 'sched_getaffinity', lambda _: {0}, raising=False)
    assert number_of_jobs() == 1
    sizes['SC_PHYS_PAGES'] = 1
    assert number_of_jobs() == 1


def wheel_folder(tmp_path: Path, distribution: str, torch: str, tag: str, gpu: str) -> Path:
    answers = {'__version__': torch, 'cache_tag': tag, 'is_available': gpu}
    return Mmcv(Answers(tmp_path, answers), distribution, '2.3.6').wheel_folder()


def test_wheels_are_kept_apart_by_all_that_they_depend_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    base = ('onedl-mmcv', '2.13.0+cpu', 'cpython-311 linux-x86_64', 'False')
    variants = [base]
    for position, other in enumerate(('mmcv', '2.13.0+cu130', 'cpython-312 linux-x86_64', 'True')):
        variants.append((*base[:position], other, *base[position + 1 :]))
    folders = {wheel_folder(tmp_path, *variant) for variant in variants}
    assert len(folders) == len(variants)
    assert all(folder.parent == tmp_path / 'mmlogitkd' / 'wheels' for folder in folders)


def test_kept_wheel_is_used_instead_of_a_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    env = Answers(tmp_path, {'__version__': '2.13.0', 'cache_tag': 'cpython-311 linux'})
    ecosystem = Mmcv(env, 'onedl-mmcv', '2.3.6')
    wheel = ecosystem.wheel_folder() / 'onedl_mmcv-2.3.6-cp311-cp311-linux_x86_64.whl'
    wheel.parent.mkdir(parents=True)
    wheel.touch()
    ecosystem.install_with_ops()
    assert [command.split()[0] for command in env.installed] == ['install']
    assert env.installed[0].endswith(str(wheel))


def test_ops_that_load_are_kept_and_ops_that_do_not_are_replaced(tmp_path: Path) -> None:
    here = {'version(': '2.3.6', 'find_spec': 'True'}
    good = Answers(tmp_path, here)
    Mmcv(good, 'onedl-mmcv', '2.3.6').install_with_ops()
    Mmcv(good, 'onedl-mmcv', '2.3.6').install_without_ops()
    assert good.installed == []
    broken = Answers(tmp_path, here, error='undefined symbol')
    Mmcv(broken, 'onedl-mmcv', '2.3.6').install_without_ops()
    assert [command.split()[0] for command in broken.installed] == ['uninstall', 'install']


def test_without_ops_pip_must_not_take_a_wheel_from_its_cache(tmp_path: Path) -> None:
    env = Answers(tmp_path, {})
    Mmcv(env, 'onedl-mmcv', '2.3.6').install_without_ops()
    (command,) = env.installed
    assert '--no-cache-dir' in command and '--no-binary onedl-mmcv' in command
    assert '--no-build-isolation' not in command  # isolation hides torch, and so leaves ops out
