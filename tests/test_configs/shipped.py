"""The shipped configs as the tests see them."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / 'configs'
CLASSIFICATION = CONFIGS / 'classification'
FRAGMENTS = sorted((CONFIGS / '_base_' / 'distill').glob('*.py'))
ALL = sorted(path for path in CONFIGS.rglob('*.py'))
BASELINES = sorted((CLASSIFICATION / 'baseline').glob('*.py'))
DISTILLING = sorted(path for path in CLASSIFICATION.rglob('*.py') if path not in BASELINES)
METAFILES = sorted(CONFIGS.rglob('metafile.yml'))
# every method on one pair, and every pair with one method
ONE_PAIR = [path for path in DISTILLING if path.stem.endswith('_resnet34-resnet18_8xb16_cifar100')]
PAIRS = [path for path in DISTILLING if path.stem.startswith('sd-dkd_')]


def code_lines(path: Path) -> int:
    """Lines that are neither empty nor a comment."""
    lines = (line.strip() for line in path.read_text(encoding='utf-8').splitlines())
    return sum(bool(line) and not line.startswith('#') for line in lines)


def stated_types(path: Path) -> list[str]:
    """Every ``dict(type='...')`` in a config file."""
    return [
        keyword.value.value
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == 'type' and isinstance(keyword.value, ast.Constant)
    ]


def ids(paths: list[Path]) -> list[str]:
    """Names for parametrised tests."""
    return [path.stem for path in paths]
