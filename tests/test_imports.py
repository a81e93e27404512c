"""The layers of the package: imports point down only, and the ecosystem is not needed to import."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'mmlogitkd'
# What each part may import of the others; the leaves may import nothing of the package.
ALLOWED = {
    'version': set(),
    'registry': set(),
    'functional': set(),
    'utils': {'registry'},
    'losses': {'functional', 'registry'},
    'backbones': {'registry'},
    'datasets': {'registry'},
    'analysis': {
        *('distiller', 'functional', 'logits', 'losses', 'published', 'teacher', 'utils', 'version')
    },
    'benchmarks': {
        *('analysis', 'distiller', 'functional', 'hooks', 'logits', 'losses', 'offline'),
        *('registry', 'teacher', 'utils'),
    },
    'published': {'datasets', 'teacher', 'version'},
    'teacher': {'registry', 'utils'},
    'logits': {'registry', 'teacher'},
    'offline': {'logits', 'registry', 'teacher'},
    'distiller': {'logits', 'losses', 'registry', 'teacher', 'utils'},
    'hooks': {'distiller', 'logits', 'losses', 'offline', 'registry', 'teacher', 'utils'},
    '__init__': {'version', 'utils'},
}
NOT_AT_MODULE_LEVEL = {'mmpretrain', 'mmdet', 'mmcv', 'mim', 'matplotlib', 'sklearn', 'torchvision'}
FILES = sorted(PACKAGE.rglob('*.py'))


def imported(path: Path, nodes: Iterator[ast.AST]) -> set[str]:
    """Return the absolute names of the modules that the import statements among nodes name."""
    here = path.relative_to(ROOT).parts[:-1]  # the package that relative imports start from
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            module = '.'.join([*base, *([node.module] if node.module else [])])
            # `from . import checks` imports a module, `from .base import X` a name of one.
            names |= {f'{module}.{alias.name}' for alias in node.names}
    return names


def at_module_level(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run on import: everything outside functions."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from at_module_level(node)


def part_of(path: Path) -> str:
    """Return which part of the package a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix('.py')


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    part = part_of(path)
    assert part in ALLOWED, f'{part} has no place in the layers: give it one in this test'
    names = imported(path, ast.walk(ast.parse(path.read_text(encoding='utf-8'))))
    inside = {name.split('.')[1] for name in names if name.startswith('mmlogitkd.')}
    wrong = inside - ALLOWED[part] - {part}
    assert not wrong, f'{part} must not import {", ".join(sorted(wrong))}'


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_ecosystem_is_not_imported_with_the_package(path: Path) -> None:
    names = imported(path, at_module_level(ast.parse(path.read_text(encoding='utf-8'))))
    wrong = {name.split('.')[0] for name in names} & NOT_AT_MODULE_LEVEL
    assert not wrong, f'import {", ".join(sorted(wrong))} inside the function that needs it'


@pytest.mark.parametrize(
    'path', [p for p in FILES if part_of(p) == 'functional'], ids=lambda p: p.name
)
def test_functional_needs_torch_only(path: Path) -> None:
    names = imported(path, ast.walk(ast.parse(path.read_text(encoding='utf-8'))))
    outside = {name.split('.')[0] for name in names} - set(sys.stdlib_module_names)
    assert outside <= {'torch', 'mmlogitkd'}


def test_install_requires_names_neither_line() -> None:
    tree = ast.parse((ROOT / 'setup.py').read_text(encoding='utf-8'))
    keywords = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    (required,) = [k.value for k in keywords if k.arg == 'install_requires']
    assert not [name for name in ast.literal_eval(required) if 'mm' in name or 'onedl' in name]


def test_checks_see_what_they_look_for() -> None:
    code = 'import mmdet.apis\nclass A:\n  from ..teacher import T\ndef f():\n  import mmpretrain'
    tree, path = ast.parse(code), PACKAGE / 'losses' / 'x.py'
    everywhere = {'mmdet.apis', 'mmlogitkd.teacher.T', 'mmpretrain'}
    assert imported(path, ast.walk(tree)) == everywhere
    assert imported(path, at_module_level(tree)) == everywhere - {'mmpretrain'}
