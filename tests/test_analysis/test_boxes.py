"""Which boxes are right, against COCO's own evaluation; and the picture of them."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest

from mmlogitkd.analysis.box_figure import Scene, plot_scenes
from mmlogitkd.analysis.boxes import Boxes, Truth, Verdict, agreement, truth_of

RIGHT, WRONG, IGNORED = Verdict.RIGHT, Verdict.WRONG, Verdict.IGNORED
CLASSES = ('circle', 'square', 'star')


def boxes(corners: list, labels: list[int], scores: list[float] | None = None) -> Boxes:
    array = np.array(corners, dtype=float).reshape(-1, 4)
    found = None if scores is None else np.array(scores, dtype=float)
    return Boxes(array, np.array(labels, dtype=int), found)


NONE = boxes([], [])
OBJECTS = boxes([[0, 0, 10, 10], [20, 0, 30, 10]], [0, 1])


@pytest.mark.parametrize(
    ('corners', 'labels', 'scores', 'expected'),
    [
        ([[0, 0, 10, 10]], [0], [0.9], [RIGHT]),
        ([[0, 0, 10, 10]], [1], [0.9], [WRONG]),  # of another class
        ([[0, 0, 10, 5]], [0], [0.9], [RIGHT]),  # just half
        ([[0, 0, 10, 4.9]], [0], [0.9], [WRONG]),
        ([[0, 0, 10, 10], [0, 0, 10, 9]], [0, 0], [0.4, 0.5], [WRONG, RIGHT]),  # a second one
        ([[50, 2, 60, 12], [50, 2, 60, 12]], [2, 0], [0.9, 0.9], [IGNORED, WRONG]),
        ([[45, 2, 55, 12]], [2], [0.9], [IGNORED]),  # half of it inside
        ([], [], [], []),
    ],
)
def test_agreement(corners, labels, scores, expected):
    truth = Truth(OBJECTS, boxes([[50, 0, 90, 40]], [2]))
    verdicts = agreement(boxes(corners, labels, scores), truth)
    assert verdicts.tolist() == expected


def test_without_objects_every_box_is_wrong():
    found = boxes([[0, 0, 5, 5]], [0], [0.5])
    assert agreement(found, Truth(NONE, NONE)).tolist() == [WRONG]


def test_boxes_without_scores_are_refused():
    with pytest.raises(ValueError, match='need scores'):
        agreement(OBJECTS, Truth(OBJECTS, NONE))


def random_boxes(random: np.random.Generator, count: int) -> np.ndarray:
    corner = random.uniform(0, 40, (count, 2))
    return np.concatenate([corner, corner + random.uniform(15, 40, (count, 2))], axis=1)


@pytest.mark.parametrize('seed', range(12))
def test_the_rule_is_that_of_cocos_evaluation(seed):
    coco = pytest.importorskip('pycocotools.coco')
    evaluation = pytest.importorskip('pycocotools.cocoeval')
    random = np.random.default_rng(seed)
    corners, labels = random_boxes(random, 12), random.integers(0, 3, 12)
    crowd = random.random(12) < 0.3
    near = corners[random.integers(0, 12, 25)] + random.normal(0, 3, (25, 4))
    found_corners = np.concatenate([near, random_boxes(random, 15)])
    found_labels, scores = random.integers(0, 3, 40), random.permutation(40) / 40
    info = dict(
        instances=[
            dict(bbox=list(box), bbox_label=label, ignore_flag=int(flag))
            for box, label, flag in zip(corners, labels, crowd, strict=True)
        ]
    )
    ours = agreement(Boxes(found_corners, found_labels, scores), truth_of(info))

    def entries(boxes: np.ndarray, classes: np.ndarray) -> list[dict]:
        sizes = boxes[:, 2:] - boxes[:, :2]
        return [
            dict(id=i + 1, image_id=1, category_id=int(label) + 1, bbox=[*box[:2], *size],
                 area=float(size.prod()), iscrowd=0)
            for i, (box, size, label) in enumerate(zip(boxes, sizes, classes, strict=True))
        ]  # fmt: skip

    truth = coco.COCO()
    annotations = entries(corners, labels)
    for entry, flag in zip(annotations, crowd, strict=True):
        entry['iscrowd'] = int(flag)
    truth.dataset = dict(
        images=[dict(id=1)],
        annotations=annotations,
        categories=[dict(id=index + 1) for index in range(3)],
    )
    detections = entries(found_corners, found_labels)
    for entry, value in zip(detections, scores, strict=True):
        entry['score'] = float(value)
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        judge = evaluation.COCOeval(truth, truth.loadRes(detections), 'bbox')
        judge.params.iouThrs = np.array([0.5])
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ['all']
        judge.params.maxDets = [100]
        judge.evaluate()
    theirs = np.full(40, -1)
    for image in filter(None, judge.evalImgs):
        matched, ignored = image['dtMatches'][0] > 0, image['dtIgnore'][0] > 0
        verdicts = np.where(ignored, IGNORED, np.where(matched, RIGHT, WRONG))
        theirs[np.array(image['dtIds']) - 1] = verdicts
    assert ours.tolist() == theirs.tolist()
    assert set(ours) >= {RIGHT, WRONG}


def test_annotations_are_told_from_regions_to_ignore():
    instances = [
        dict(bbox=[0, 0, 4, 4], bbox_label=1, ignore_flag=0),
        dict(bbox=[1, 2, 3, 4], bbox_label=2, ignore_flag=1),
    ]
    truth = truth_of(dict(instances=instances))
    assert truth.objects.labels.tolist() == [1] and truth.ignored.labels.tolist() == [2]
    assert truth.ignored.corners.tolist() == [[1, 2, 3, 4]]
    with pytest.raises(ValueError, match=r'a\.png has no annotations'):
        truth_of(dict(img_path='a.png'))


@pytest.fixture
def scenes() -> list[Scene]:
    found = dict(
        teacher=boxes([[0, 0, 10, 10], [20, 1, 30, 10]], [0, 1], [0.9, 0.8]),
        alone=boxes([[0, 0, 10, 10], [1, 0, 10, 10], [50, 0, 60, 9]], [0, 0, 2], [0.9, 0.5, 0.4]),
    )
    pixels = np.zeros((40, 90, 3), dtype=np.uint8)
    crowded = Truth(OBJECTS, boxes([[50, 0, 90, 40]], [2]))
    empty = {name: boxes([], [], []) for name in found}
    return [
        Scene('first', pixels, crowded, found),
        Scene('second', pixels[:20], Truth(NONE, NONE), empty),
    ]


def test_counts(scenes):
    assert scenes[0].counts('teacher') == (2, 0, 0)
    assert scenes[0].counts('alone') == (1, 1, 1)
    assert scenes[1].counts('alone') == (0, 0, 0)


def test_picture(scenes, tmp_path: Path):
    figure = plot_scenes(scenes, CLASSES, tmp_path / 'boxes.png', 'A title')
    assert (tmp_path / 'boxes.png').stat().st_size > 10_000
    assert len(figure.axes) == 2 * 3
    annotated, teacher, alone = figure.axes[:3]
    assert [len(axes.patches) for axes in figure.axes] == [2, 2, 3, 0, 0, 0]
    assert {patch.get_linestyle() for patch in annotated.patches + teacher.patches} == {'solid'}
    styles = [patch.get_linestyle() for patch in reversed(alone.patches)]
    assert (
        styles[0] == 'solid' and styles[2] == 'dotted' and styles[1] not in (styles[0], styles[2])
    )
    teacher, annotated = (list(reversed(axes.patches)) for axes in (teacher, annotated))
    assert teacher[1].get_bbox().extents.tolist() == [20, 1, 30, 10]
    assert teacher[1].get_edgecolor() == annotated[1].get_edgecolor()
    assert teacher[1].get_edgecolor() != annotated[0].get_edgecolor()
    labels = [(text.get_text(), text.xy[1]) for text in reversed(alone.texts)]
    assert labels == [('circle 0.90', 0), ('circle 0.50', 10), ('star 0.40', 0)]  # wrong: below
    assert alone.get_title() == '1 right, 1 wrong, 1 missed'
    assert [axes.get_title('left').strip() for axes in figure.axes[:3]] == [
        'annotated',
        'teacher',
        'alone',
    ]
    assert figure.axes[0].images[0].get_extent() == [0, 90, 40, 0]
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 3
    scenes[0] = Scene('first', scenes[0].pixels, Truth(OBJECTS, NONE), scenes[0].found)
    figure = plot_scenes(scenes, [f'class {i}' for i in range(80)], tmp_path / 'many.png')
    assert len(figure.legends[0].get_texts()) == 2
