"""The table of detector families: verdicts, numbers and times of real steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from rich.console import Console
from torch import Tensor, nn

pytest.importorskip('mmdet')

from mmlogitkd.analysis.families import FAMILIES, Family, choose
from mmlogitkd.analysis.family_images import images_with_objects
from mmlogitkd.analysis.family_steps import Outcome, Settings, try_family
from mmlogitkd.analysis.family_tables import family_markdown, family_table, reason_of
from mmlogitkd.analysis.stopwatch import Stopwatch
from tests import tiny_two_stage
from tests.test_logits import detectors

SMALL = Settings(size=64, images=2, steps=1)
Try = Callable[..., Outcome]


@pytest.fixture
def attempt(tmp_path: Path) -> Try:
    """Try a model of the tests as if it were a family of the zoo."""

    def attempt(model: Any, **settings: Any) -> Outcome:
        path = tmp_path / 'family.py'
        Config(dict(default_scope='mmdet', model=model)).dump(path)
        options = dict(size=64, images=2, steps=1) | settings
        return try_family(Family('Tiny', 'one-stage', str(path)), Settings(**options))

    return attempt


@pytest.mark.parametrize(('kind', 'stages'), [('mask', 1), ('cascade', 3)])
def test_a_two_stage_detector(attempt: Try, kind: str, stages: int) -> None:
    outcome = attempt(tiny_two_stage.detector_config(kind, boxes=24).model)
    assert outcome.verdict == 'yes', outcome.reason
    assert len(outcome.rows) == stages and outcome.rows[0] == 48 and outcome.columns == 4
    assert outcome.loss == 'DKDLoss'
    assert outcome.step > 0 and 0.01 < outcome.teacher < 0.9 and 0.0001 < outcome.losses < 0.9
    assert outcome.teacher + outcome.losses < 1


def test_a_dense_detector_with_the_loss_of_its_head_or_another(attempt: Try) -> None:
    model = detectors.detector_config('fcos')
    own = attempt(model)
    assert (own.verdict, own.loss, own.columns) == ('yes', 'BinaryKDLoss', 3), own.reason
    assert own.rows == (2 * (8 * 8 + 4 * 4 + 2 * 2 + 1 + 1),)  # 64 x 64, strides 8 to 128
    other = attempt(model, loss='LumiNetLoss')
    assert (other.verdict, other.loss) == ('yes', 'LumiNetLoss'), other.reason
    assert 0 < other.rows[0] < own.rows[0]


def test_refusals_are_told_from_errors(attempt: Try) -> None:
    model = detectors.detector_config('retinanet')
    unknown = attempt(dict(model, type='NoSuchDetector'))
    assert unknown.verdict == 'error' and 'NoSuchDetector' in unknown.reason
    other = attempt(dict(model, bbox_head=dict(model['bbox_head'], type='FSAFHead')))
    assert other.verdict == 'refused' and other.reason.startswith('FSAFHead')
    nan = dict(model, data_preprocessor=dict(model['data_preprocessor'], std=[0.0, 1.0, 1.0]))
    infinite = attempt(nan)
    assert infinite.verdict == 'error' and 'gave NaN or Inf' in infinite.reason
    refused = try_family(*choose(['CENTERNET']), SMALL)
    assert refused.verdict == 'refused' and refused.reason.startswith('CenterNetHead')


def test_the_catalogue() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES) > 50
    assert choose(None) == list(FAMILIES)
    assert [family.name for family in choose(['yolox', 'PAA'])] == ['PAA', 'YOLOX']
    with pytest.raises(ValueError, match=r"\['yolo'\].*RetinaNet"):
        choose(['YOLO', 'paa'])


def test_images_have_their_boxes_inside() -> None:
    batch = images_with_objects(128, 3, seed=0, with_masks=True)
    assert [tuple(image.shape[1:]) for image in batch['inputs']] == [
        (96, 128),
        (128, 96),
        (96, 128),
    ]
    for image, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
        boxes, masks = sample.gt_instances.bboxes, sample.gt_instances.masks.masks
        height, width = image.shape[1:]
        assert (boxes[:, :2] >= 0).all() and (boxes[:, 2] <= width).all()
        assert (boxes[:, 3] <= height).all() and (boxes[:, 2:] - boxes[:, :2]).min() > 8
        assert masks.sum(axis=(1, 2)).min() > 0
    again = images_with_objects(128, 3, seed=0)
    assert torch.equal(again['inputs'][0], batch['inputs'][0])
    assert 'masks' not in again['data_samples'][0].gt_instances


class Slow(torch.autograd.Function):
    """The identity, 20 ms in each direction."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        time.sleep(0.02)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        time.sleep(0.02)
        return gradients[0]


class SlowLayer(nn.Module):
    def forward(self, value: Tensor) -> Tensor:
        return Slow.apply(value)


def test_a_watched_module_counts_forward_and_backward() -> None:
    stopwatch, layer = Stopwatch(torch.device('cpu')), SlowLayer()
    stopwatch.watch(layer)
    value = torch.ones(2, requires_grad=True)
    output = Slow.apply(layer(Slow.apply(value)))
    assert 0.02 <= stopwatch.seconds < 0.04
    output.sum().backward()
    assert 0.04 <= stopwatch.seconds < 0.08
    stopwatch.reset()
    with stopwatch, stopwatch:
        time.sleep(0.02)
    assert 0.02 <= stopwatch.seconds < 0.04


def test_tables() -> None:
    families = [Family(name, 'two-stage', '') for name in 'ABC']
    outcomes = [
        Outcome(families[0], 'yes', '', 'KDLoss', (512, 512, 500), 81, 0.25, 0.3, 0.0123),
        Outcome(families[1], 'refused', f'B brings {"its own " * 20}. Use A'),
        Outcome(families[2], 'error', 'KeyError: a|b\nsecond line'),
    ]
    first, second, third = family_markdown(outcomes).splitlines()[2:]
    assert first == '| A | KDLoss | 2·512 + 500 × 81 | 250 | 30 % | 1.2 % |  |'
    assert second.startswith('| B | refused |') and second.endswith(' … |')
    assert len(reason_of(outcomes[1])) <= 120
    assert third == r'| C | error |  |  |  |  | KeyError: a\|b second line |'
    console = Console(width=80, record=True)
    console.print(family_table(outcomes, 'Title'))
    text = console.export_text()
    assert '2·512 + 500 × 81' in text and 'refused' in text and 'error' in text


REFUSED = {
    *('Double-Head R-CNN', 'HTC', 'SCNet', 'Sparse R-CNN', 'QueryInst', 'CrowdDet'),
    *('PISA Faster R-CNN', 'Grid R-CNN', 'TridentNet', 'Faster R-CNN with OHEM'),
    *('FSAF', 'FreeAnchor', 'PISA RetinaNet', 'DDOD', 'AutoAssign', 'SABL RetinaNet'),
    *('RepPoints', 'FoveaBox', 'YOLOF', 'GA-RetinaNet', 'SSD', 'YOLACT', 'YOLOv3'),
    *('CenterNet', 'CornerNet', 'RTMDet-Ins', 'CondInst', 'BoxInst'),
}


@pytest.mark.full
@pytest.mark.parametrize('family', FAMILIES, ids=lambda family: family.name)
def test_every_family_of_the_zoo(family: Family) -> None:
    """Minutes: these are the zoo's own sizes, on small images."""
    size = 256 if family.group == 'queries' else 128  # DINO chooses 900 of its positions
    outcome = try_family(family, Settings(size=size, images=2, steps=1))
    if family.group == 'queries':
        assert outcome.verdict in ('yes', 'refused'), outcome.reason
    else:
        expected = 'refused' if family.name in REFUSED else 'yes'
        assert outcome.verdict == expected, outcome.reason
