"""The shipped configs as the tests see them."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / 'configs'
CLASSIFICATION = CONFIGS / 'classification'
DETECTION = CONFIGS / 'detection'
FRAGMENTS = sorted((CONFIGS / '_base_' / 'distill').glob('*.py'))
ALL = sorted(path for path in CONFIGS.rglob('*.py'))
EVERY_BASELINE = sorted((CLASSIFICATION / 'baseline').glob('*.py'))
EVERY_DISTILLING = sorted(p for p in CLASSIFICATION.rglob('*.py') if p not in EVERY_BASELINE)
# CUB-200 and Tiny-ImageNet have images of their own: test_fine_grained runs these
FINE_GRAINED = [p for p in EVERY_DISTILLING if p.stem.endswith(('_cub200', '_tiny-imagenet'))]
BASELINES = [path for path in EVERY_BASELINE if 'cifar100' in path.stem]
DISTILLING = [path for path in EVERY_DISTILLING if path not in FINE_GRAINED]
# the literature's CIFAR-100 tables: the networks alone, and every method on every pair
PLAIN = [path for path in BASELINES if path.stem.endswith('_1xb64-240e_cifar100')]
LITERATURE = [
    path
    for path in DISTILLING
    if path.stem.endswith('_1xb64-240e_cifar100') and path.parent.name != 'compositions'
]
DETECTOR_BASELINES = sorted((DETECTION / 'baseline').glob('*.py'))
DETECTORS = sorted(path for path in DETECTION.rglob('*.py') if path not in DETECTOR_BASELINES)
METHOD_FOLDERS = sorted(
    path for path in [*CLASSIFICATION.iterdir(), *DETECTION.iterdir()] if path.is_dir()
)
METAFILES = sorted(CONFIGS.rglob('metafile.yml'))
# every method on one pair, and every pair with one method
ONE_PAIR = [path for path in DISTILLING if path.stem.endswith('_resnet34-resnet18_8xb16_cifar100')]
PAIRS = [path for path in DISTILLING if path.stem.startswith('sd-dkd_')]
# every kind of detector, and every method on some
ONE_PER_KIND = [
    path
    for path in DETECTORS
    if path.stem.removesuffix('_1x_coco')
    in (
        'sd-dkd_faster-rcnn-r50_faster-rcnn-mobilenet-v2_fpn',
        'dkd_mask-rcnn-r50_mask-rcnn-r18_fpn',
        'dkd_cascade-rcnn-r50_cascade-rcnn-r18_fpn',
        'ldrld_retinanet-r101_retinanet-r50_fpn',
        'binary-kd_gfl-r101_gfl-r50_fpn',
        'luminet_atss-r101_atss-r50_fpn',
        'ldrld_fcos-r101-caffe_fcos-r50-caffe_fpn_gn-head',
        'ldrld_deformable-detr-r50_deformable-detr-r18_16xb2-50e_coco',
        'binary-kd_dino-4scale-r50_dino-4scale-r18_8xb2-12e_coco',
    )
]


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
