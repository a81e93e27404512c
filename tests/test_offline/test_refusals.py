"""Detectors are refused by name, with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from mmlogitkd.offline import CachedTeacher
from tests import tiny_two_stage
from tests.test_logits.detectors import build_detector, detector_config
from tests.test_logits.query_detectors import build_query_detector, query_config

# positions of the pyramid's five levels on an image of 800x1333
POSITIONS = sum(h * w for h, w in ((100, 167), (50, 84), (25, 42), (13, 21), (7, 11)))


@pytest.mark.parametrize(
    ('detector', 'message'),
    [
        (
            lambda: build_detector(detector_config('retinanet')),
            rf'RetinaNet \(RetinaHead\) scores {9 * POSITIONS:,} rows x 3 classes \(1.2 MB',
        ),
        (
            lambda: build_detector(detector_config('fcos')),
            rf'FCOS \(FCOSHead\) scores {POSITIONS:,} rows x 3 classes',
        ),
        (
            lambda: build_query_detector(query_config('detr', queries=7)),
            r'DETR \(DETRHead\) scores 7 rows x \d+ classes .* matched with the boxes',
        ),
        (
            lambda: tiny_two_stage.build(tiny_two_stage.detector_config()),
            r'FasterRCNN \(StandardRoIHead\) scores the boxes that the student proposes',
        ),
    ],
    ids=['retinanet', 'fcos', 'detr', 'faster-rcnn'],
)
def test_detectors_are_refused(detector: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CachedTeacher('nowhere').build(detector())
