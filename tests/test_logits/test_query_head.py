"""Every family with queries: which queries are matched, and what their rows are given."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn import functional as F

from mmlogitkd.distiller import LogitDistiller
from mmlogitkd.logits import LogitBatch, QueryHeadLogits, infer_logits
from mmlogitkd.logits.dense_families import LossCall
from mmlogitkd.logits.query_families import check_student, check_teacher
from mmlogitkd.logits.query_records import divisor_of, labels_of, matching_part
from mmlogitkd.losses import BinaryKDLoss, DISTLoss, DKDLoss, KDLoss, LumiNetLoss, SDDLoss
from mmlogitkd.teacher import Teacher
from tests.test_logits.detectors import batch, full_config, sample
from tests.test_logits.detectors import build_detector as build_dense
from tests.test_logits.detectors import detector_config as dense_config
from tests.test_logits.query_detectors import (
    CONFIGS,
    LAYERS,
    NUM_CLASSES,
    QUERIES,
    build_query_detector,
    query_config,
)

SOFTMAX = dict(activation='softmax', rows='foreground')
ALL_LAYERS = ['d0.', 'd1.', '']


def teacher_of(config: dict, student: nn.Module, seed: int = 1) -> Teacher:
    """Built by a config, with the weights of ``build_query_detector(config, seed)``."""
    teacher = Teacher(full_config(config), init='random').build(student)
    teacher.model.load_state_dict(build_query_detector(config, seed).state_dict())
    return teacher


def step(
    student: nn.Module, teacher: Teacher, source: QueryHeadLogits, inputs: Tensor, samples: list
) -> tuple[dict, list[LogitBatch]]:
    """One training step's own losses, and what is collected from it."""
    source.attach(student)
    source.arm()
    losses = student(inputs, samples, mode='loss')
    collected = source.collect(teacher, inputs, samples)
    source.detach()
    return losses, collected


def pair(name: str, teacher: dict | None = None, **logits: Any) -> tuple[dict, LogitBatch]:
    """A step of a student and another teacher of its family; the last layer's rows."""
    config = query_config(name)
    student = build_query_detector(config)
    source = QueryHeadLogits(**logits)
    answer = teacher_of(query_config(name, **(teacher or {})), student)
    losses, collected = step(student, answer, source, *batch())
    return losses, collected[-1]


def distilled(name: str, losses: dict, **logits: Any) -> nn.Module:
    """A student with a distiller attached."""
    config = query_config(name)
    student = build_query_detector(config)
    source = QueryHeadLogits(**logits) if logits else None
    distiller = LogitDistiller(Teacher(full_config(config), init='random'), losses, source)
    distiller.attach(student)
    distiller.teacher.model.load_state_dict(build_query_detector(config, 1).state_dict())
    return student


@pytest.mark.parametrize(
    ('name', 'match'),
    [
        *((name, 'predictions') for name in CONFIGS),
        ('dino', 'objects'),
        *(pytest.param(n, 'objects', marks=pytest.mark.full) for n in CONFIGS if n != 'dino'),
    ],
)
def test_a_copy_of_the_student_agrees_in_every_query_and_layer(name: str, match: str) -> None:
    config = query_config(name)
    student = build_query_detector(config)
    assert isinstance(infer_logits(student), QueryHeadLogits)
    source = QueryHeadLogits(layers='all', match=match)
    _, collected = step(student, teacher_of(config, student, seed=0), source, *batch())
    assert [part.prefix for part in collected] == ALL_LAYERS == list(source.prefixes)
    for part in collected:
        assert len(part.student) == 2 * QUERIES and part.student.std() > 0.1
        assert part.student.requires_grad and not part.teacher.requires_grad
        torch.testing.assert_close(part.student, part.teacher, rtol=1e-4, atol=1e-4)
        assert BinaryKDLoss()(part.student, part.teacher).abs() < 1e-6
        assert KDLoss()(part.student, part.teacher).abs() < 1e-6
    _, others = step(student, teacher_of(config, student), source, *batch())
    assert all(BinaryKDLoss()(part.student, part.teacher) > 1e-3 for part in others)


@pytest.mark.parametrize(
    'name',
    [
        'detr',
        'deformable',
        *(pytest.param(n, marks=pytest.mark.full) for n in ('conditional', 'dab')),
    ],
)
def test_the_order_of_the_teachers_queries_is_of_no_account(name: str) -> None:
    config = query_config(name)
    student = build_query_detector(config)
    teacher = teacher_of(config, student)
    source = QueryHeadLogits(layers='all')
    _, before = step(student, teacher, source, *batch())
    order = torch.randperm(QUERIES, generator=torch.Generator().manual_seed(3))
    embedding = teacher.model.query_embedding.weight
    embedding.data = embedding.data[order]
    with torch.no_grad():
        shuffled = teacher.model(*batch(), mode='tensor')[0]
    _, after = step(student, teacher, source, *batch())
    assert not torch.allclose(shuffled[-1].flatten(0, 1), before[-1].teacher, atol=0.05)
    for first, second in zip(before, after, strict=True):
        terms = [KDLoss()(part.student, part.teacher) for part in (first, second)]
        torch.testing.assert_close(*terms)
        assert terms[0] > 1e-3


def corners(box: list[float], size: tuple[int, int]) -> list[float]:
    (x, y, w, h), (height, width) = box, size
    return [
        (x - w / 2) * width,
        (y - h / 2) * height,
        (x + w / 2) * width,
        (y + h / 2) * height,
    ]


def area(box: list[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def giou(a: list[float], b: list[float]) -> float:
    inner = [max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])]
    overlap = area(inner) if inner[2] > inner[0] and inner[3] > inner[1] else 0.0
    hull = [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]
    union = area(a) + area(b) - overlap
    return overlap / union - (area(hull) - union) / area(hull)


def matched(
    name: str, logits: Tensor, boxes: Tensor, labels: list[int], targets: list, size: tuple
) -> list[tuple[int, int]]:
    """(query, target) pairs of least cost, from the formulas of the three costs alone."""
    softmax = name == 'detr'
    scores = (logits.softmax(-1) if softmax else logits.sigmoid()).tolist()
    costs = []
    for row, box in zip(scores, boxes.tolist(), strict=True):
        line = []
        for label, target in zip(labels, targets, strict=True):
            p = row[label]
            focal = -0.25 * (1 - p) ** 2 * math.log(p) + 0.75 * p**2 * math.log(1 - p)
            distance = sum(abs(a - b) for a, b in zip(box, target, strict=True))
            overlap = giou(corners(box, size), corners(target, size))
            line.append((-p if softmax else 2 * focal) + 5 * distance - 2 * overlap)
        costs.append(line)
    if not costs or not labels:
        return []
    return list(zip(*map(list, linear_sum_assignment(costs)), strict=True))


def outputs(student: Any, teacher: Teacher) -> tuple[Any, Any]:
    """Class scores and boxes of the last layer, from plain calls in eval mode."""
    student = copy.deepcopy(student).eval()
    with torch.no_grad():
        return tuple(  # type: ignore[return-value]
            [part[-1] for part in model(*batch(), mode='tensor')[:2]]
            for model in (student, teacher.model)
        )


def check_rows(collected: LogitBatch, ours: Tensor, theirs: Tensor, pairs: list) -> None:
    """The rows are these pairs of (image, query, query), in whatever order."""
    assert len(collected.student) == len(pairs)
    rows = torch.cat([collected.student, collected.teacher], dim=1).tolist()
    expected = [[*ours[i, a].tolist(), *theirs[i, b].tolist()] for i, a, b in pairs]
    torch.testing.assert_close(
        torch.tensor(sorted(rows)), torch.tensor(sorted(expected)), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize('queries', [9, QUERIES, 17])
@pytest.mark.parametrize('name', ['detr', 'deformable'])
def test_a_slow_path_finds_the_same_pairs_by_predictions(name: str, queries: int) -> None:
    """Two images of different sizes; the teacher has fewer, as many or more queries."""
    student = build_query_detector(query_config(name))
    teacher = teacher_of(query_config(name, queries=queries), student)
    _, [collected] = step(student, teacher, QueryHeadLogits(), *batch())
    (ours, our_boxes), (theirs, their_boxes) = outputs(student, teacher)
    pairs = []
    for image, size in enumerate([(128, 128), (96, 112)]):
        scores = theirs[image].softmax(-1)[:, :-1] if name == 'detr' else theirs[image]
        best = scores.amax(1).tolist()
        kept = sorted(range(queries), key=lambda i, best=best: -best[i])[:QUERIES]
        labels = [int(theirs[image, i].argmax()) for i in kept]
        targets = [their_boxes[image, i].tolist() for i in kept]
        found = matched(name, ours[image], our_boxes[image], labels, targets, size)
        pairs += [(image, query, kept[target]) for query, target in found]
    assert len(pairs) == 2 * min(queries, QUERIES)
    check_rows(collected, ours, theirs, pairs)


@pytest.mark.parametrize('queries', [2, 9])
@pytest.mark.parametrize('name', ['detr', 'deformable'])
def test_a_slow_path_finds_the_same_pairs_by_objects(name: str, queries: int) -> None:
    """With two queries the teacher cannot have one for each of the three objects."""
    student = build_query_detector(query_config(name))
    teacher = teacher_of(query_config(name, queries=queries), student)
    source = QueryHeadLogits(rows='foreground')
    assert source.match == 'objects'
    _, [collected] = step(student, teacher, source, *batch())
    (ours, our_boxes), (theirs, their_boxes) = outputs(student, teacher)
    pairs, classes = [], []
    for image, data in enumerate(batch()[1]):
        height, width = data.img_shape
        annotated = data.gt_instances
        labels = annotated.labels.tolist()
        targets = [
            [(a + c) / 2 / width, (b + d) / 2 / height, (c - a) / width, (d - b) / height]
            for a, b, c, d in annotated.bboxes.tolist()
        ]
        who, whom = (
            {target: query for query, target in found}
            for found in (
                matched(name, scores[image], boxes[image], labels, targets, data.img_shape)
                for scores, boxes in ((ours, our_boxes), (theirs, their_boxes))
            )
        )
        both = [target for target in range(len(labels)) if target in who and target in whom]
        pairs += [(image, who[target], whom[target]) for target in both]
        classes += [labels[target] for target in both]
    assert len(pairs) == min(queries, 3) + 1
    check_rows(collected, ours, theirs, pairs)
    assert collected.target is not None
    assert sorted(collected.target.tolist()) == sorted(classes)


@pytest.mark.parametrize('name', ['detr', 'deformable'])
def test_objects_come_first_and_the_rest_by_predictions(name: str) -> None:
    student = build_query_detector(query_config(name))
    teacher = teacher_of(query_config(name, queries=9), student)
    sources = [QueryHeadLogits(rows='foreground'), QueryHeadLogits(match='objects')]
    (_, [objects]), (_, [every]) = (step(student, teacher, s, *batch()) for s in sources)
    assert len(every.student) == 2 * 9
    assert len(torch.unique(every.teacher, dim=0)) == len(torch.unique(every.student, dim=0)) == 18
    together = torch.cat([every.student, every.teacher], dim=1)
    for row in torch.cat([objects.student, objects.teacher], dim=1):
        assert (together == row).all(1).sum() == 1


def test_foreground_queries_can_be_matched_by_predictions_too() -> None:
    _, every = pair('detr')
    _, chosen = pair('detr', rows='foreground', match='predictions')
    assert every.target is not None and chosen.target is not None
    kept = every.target < NUM_CLASSES
    assert kept.sum() == 4
    torch.testing.assert_close(chosen.teacher, every.teacher[kept])
    torch.testing.assert_close(chosen.target, every.target[kept])


@pytest.mark.parametrize('name', ['detr', 'dino'])
@pytest.mark.parametrize('topk', [4, 100])
def test_the_teachers_top_queries(name: str, topk: int) -> None:
    _, chosen = pair(name, teacher=dict(queries=15), rows='teacher_topk', topk=topk)
    config = query_config(name, queries=15)
    with torch.no_grad():
        theirs = build_query_detector(config, 1).eval()(*batch(), mode='tensor')[0][-1]
    scores = (theirs.softmax(-1)[..., :-1] if name == 'detr' else theirs).amax(-1)
    count = min(topk, QUERIES)
    expected = scores.topk(count).indices
    rows = theirs[torch.arange(2).unsqueeze(1), expected].flatten(0, 1)
    assert len(chosen.teacher) == 2 * count
    torch.testing.assert_close(
        torch.tensor(sorted(chosen.teacher.tolist())),
        torch.tensor(sorted(rows.tolist())),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize('name', CONFIGS)
def test_divisor_and_weights_are_those_of_the_heads_own_loss(name: str) -> None:
    """The weighted sum of the task loss's rows over the divisor is what the head reports."""
    config = query_config(name)
    student = build_query_detector(config)
    calls: list[tuple] = []
    own = student.bbox_head.loss_cls
    plain = own.forward

    def recording(pred: Tensor, target: Tensor, weight: Tensor, **options: Any) -> Tensor:
        calls.append((pred, target, plain(pred, target, weight, reduction_override='none')))
        return plain(pred, target, weight, **options)

    own.forward = recording
    source = QueryHeadLogits(layers='all')
    losses, collected = step(student, teacher_of(config, student), source, *batch())
    for (_, _, rows), part in zip(calls, collected, strict=False):
        reported = losses[f'{part.prefix}loss_cls'].squeeze()
        torch.testing.assert_close(rows.sum() / part.avg_factor, reported)
        assert float(part.avg_factor) == pytest.approx(6 if name == 'detr' else 4)
        if name == 'detr':
            assert part.target is not None and part.weight is not None
            entropy = F.cross_entropy(part.student, part.target, reduction='none')
            total = (entropy * part.weight).sum() / part.avg_factor
            torch.testing.assert_close(total, reported)
        else:
            assert part.target is None and part.weight.unique().tolist() == [1.0]  # type: ignore


def test_denoising_queries_take_no_part() -> None:
    """Their number and noise change from step to step; rows and terms do not."""
    student = distilled('dino', dict(loss_kd=BinaryKDLoss()), layers='all')
    scored = []
    student.bbox_head.register_forward_hook(lambda *a: scored.append(a[2][0].size(2)))
    terms = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        losses = student(*batch(), mode='loss')
        terms.append([losses[f'{prefix}loss_kd'] for prefix in ALL_LAYERS])
        terms.append([losses[f'{prefix}dn_loss_cls'] for prefix in ALL_LAYERS])
    # two groups of noisy copies of up to three objects, each near and far
    assert scored == [QUERIES + 2 * 3 * 2] * 2
    torch.testing.assert_close(terms[0], terms[2])
    assert not torch.allclose(torch.stack(terms[1]), torch.stack(terms[3]))
    _, collected = pair('dino')
    assert len(collected.student) == 2 * QUERIES


@pytest.mark.parametrize(
    'name', ['detr', 'dino', pytest.param('two_stage', marks=pytest.mark.full)]
)
def test_images_without_objects(name: str) -> None:
    """No foreground queries: a zero that trains. With all queries there are terms as always."""
    losses = dict(loss_kd=KDLoss(), loss_dist=DISTLoss(), loss_luminet=LumiNetLoss())
    student = distilled(name, losses, **SOFTMAX)
    inputs, samples = batch()
    empty = [sample([], [], data.img_shape) for data in samples]
    terms = student(inputs, empty, mode='loss')
    distillation = sum(terms[key] for key in losses)
    assert distillation == 0
    distillation.backward()
    grads = [p.grad for p in student.bbox_head.parameters() if p.grad is not None]
    assert grads and not any(grad.any() for grad in grads)
    loss = KDLoss() if name == 'detr' else BinaryKDLoss()
    for match in ('predictions', 'objects'):
        student = distilled(name, dict(loss_kd=loss), match=match)
        assert student(inputs, empty, mode='loss')['loss_kd'] > 0


@pytest.mark.parametrize('name', ['detr', 'dino'])
def test_a_batch_of_one(name: str) -> None:
    student = distilled(name, dict(loss_kd=KDLoss(), loss_dkd=DKDLoss()), **SOFTMAX)
    inputs, samples = batch()
    losses = student(inputs[1:], samples[1:], mode='loss')
    assert losses['loss_kd'] > 0 and losses['loss_dkd'] > 0


def test_classes_are_matched_in_the_students_order() -> None:
    """A copy of the student whose columns stand in another order, matched by name."""
    for name in ('detr', 'deformable'):
        config = query_config(name)
        student = build_query_detector(config)
        teacher = teacher_of(config, student, seed=0)
        order = torch.tensor([2, 0, 1])
        head = teacher.model.bbox_head
        for branch in [head.fc_cls] if name == 'detr' else head.cls_branches[:1]:
            for value in (branch.weight, branch.bias):
                value.data[:NUM_CLASSES] = value.data[:NUM_CLASSES][order]
        _, [mixed] = step(student, teacher, QueryHeadLogits(), *batch())
        assert KDLoss()(mixed.student, mixed.teacher) > 1e-3
        teacher._columns = order.argsort()
        _, [named] = step(student, teacher, QueryHeadLogits(), *batch())
        torch.testing.assert_close(named.student, named.teacher, rtol=1e-4, atol=1e-4)


def test_a_teacher_of_another_family_and_depth_answers_for_the_last_layer() -> None:
    student = build_query_detector(query_config('deformable'))
    teacher = teacher_of(query_config('dino', queries=20, layers=2), student)
    _, [collected] = step(student, teacher, QueryHeadLogits(), *batch())
    assert len(collected.student) == 2 * QUERIES and collected.prefix == ''
    with torch.no_grad():
        theirs = teacher.model(*batch(), mode='tensor')[0][-1].flatten(0, 1)
    for row in collected.teacher:
        assert (theirs == row).all(1).any()
    with pytest.raises(ValueError, match=r"decoder has 3 layers, the teacher's 2.*layers='last'"):
        step(student, teacher, QueryHeadLogits(layers='all'), *batch())


def test_a_decoder_that_keeps_its_last_layer_only() -> None:
    config = query_config('detr')
    config['decoder']['return_intermediate'] = False
    student = build_query_detector(config)
    teacher = teacher_of(query_config('detr'), student)
    source = QueryHeadLogits(layers='all')
    with pytest.raises(ValueError, match="decoder has 1 layers, the teacher's 3"):
        step(student, teacher, source, *batch())
    _, [collected] = step(student, teacher, QueryHeadLogits(), *batch())
    assert source.prefixes == ('',) and len(collected.student) == 2 * QUERIES


def test_the_teacher_runs_no_loss_and_no_post_processing() -> None:
    config = query_config('dino')
    student = build_query_detector(config)
    teacher = teacher_of(config, student)
    head = teacher.model.bbox_head

    def never(*args: Any, **kwargs: Any) -> None:
        raise AssertionError('the teacher was asked for more than its queries')

    for name in ('loss', 'loss_by_feat', 'get_targets', 'predict_by_feat', 'predict'):
        setattr(head, name, never)
    head.assigner.assign = never
    teacher.model.dn_query_generator.forward = never
    step(student, teacher, QueryHeadLogits(match='objects'), *batch())
    assert not teacher.model.training


def test_teachers_that_do_not_fit_are_refused() -> None:
    student = build_query_detector(query_config('deformable'))
    cases = [
        (query_config('deformable', classes=5), r'has 3 columns, the teacher.s 5'),
        (query_config('detr'), 'DeformableDETRHead has no column for background.* DETRHead has a'),
    ]
    for config, message in cases:
        teacher = Teacher(full_config(config), init='random').build(student)
        with pytest.raises(ValueError, match=message):
            step(student, teacher, QueryHeadLogits(), *batch())
    teacher._model = build_dense(dense_config('gfl'))
    with pytest.raises(ValueError, match='teacher GFL is no detector with queries'):
        step(student, teacher, QueryHeadLogits(), *batch())


def test_predictions_that_are_no_numbers_are_said() -> None:
    student = build_query_detector(query_config('deformable'))
    teacher = teacher_of(query_config('deformable'), student)
    teacher.model.bbox_head.reg_branches[-1][-1].bias.data.fill_(torch.nan)
    with pytest.raises(RuntimeError, match=r'queries cannot be matched .* are not finite'):
        step(student, teacher, QueryHeadLogits(), *batch())


def test_a_head_whose_loss_sees_other_rows_or_labels_is_refused() -> None:
    for change, message in (
        (lambda s, b, *r: (s.flip(2), b.flip(2), *r), 'not those that its classification loss'),
        (lambda s, b, g, m: (s, b, [i[:0] for i in g], m), 'labels that DETRHead trains'),
    ):
        config = query_config('detr')
        student = build_query_detector(config)
        own = student.bbox_head.loss_by_feat
        student.bbox_head.loss_by_feat = lambda *a, own=own, change=change: own(*change(*a))
        with pytest.raises(RuntimeError, match=message):
            source = QueryHeadLogits(rows='foreground')
            step(student, teacher_of(config, student), source, *batch())


def test_calls_that_do_not_fit_the_queries_are_refused() -> None:
    output = (torch.zeros(2, 2, 5, 3), torch.zeros(2, 2, 5, 4))
    call = LossCall(torch.zeros(8, 3), (torch.ones(8, dtype=torch.long), torch.ones(8)))
    assert matching_part(output, [call, call, LossCall(torch.zeros(6, 3))], 2).logits.size(2) == 4
    for calls in (
        [call],
        [],
        [call, LossCall(torch.zeros(6, 3))],
        [LossCall(torch.zeros(7, 3))] * 2,
    ):
        with pytest.raises(RuntimeError, match='one call for each of 2 layers'):
            matching_part(output, calls, 2)
    assert labels_of(call).tolist() == [1] * 8
    with pytest.raises(RuntimeError, match='without avg_factor'):
        divisor_of(call)


REFUSED = dict(
    DDQDETRHead='only the queries that are distinct',
    GroundingDINOHead='tokens of a text',
)


class Shell(nn.Module):
    """A detector's outside: a head, and the method that tells the family."""

    def __init__(self, head: Any) -> None:
        super().__init__()
        self.bbox_head = head

    def forward_transformer(self) -> None:
        """Only its presence counts."""


def shell(name: str) -> Shell:
    from mmdet.models import dense_heads

    head = getattr(dense_heads, name)
    built = head.__new__(head)
    nn.Module.__init__(built)
    return Shell(built)


@pytest.mark.parametrize('name', REFUSED)
def test_families_that_are_refused_by_name(name: str) -> None:
    model = shell(name)
    for check, role in ((check_student, 'student'), (check_teacher, 'teacher')):
        with pytest.raises(ValueError, match=f"{role}'s {name} brings.*{REFUSED[name]}"):
            check(model)
    assert isinstance(infer_logits(model), QueryHeadLogits)


def test_heads_with_a_loss_or_assigner_of_their_own_are_refused() -> None:
    from mmdet.models.dense_heads import DETRHead

    class OtherHead(DETRHead):
        def loss_by_feat_single(self) -> None:
            """Whatever it does, it is not known."""

    head = OtherHead.__new__(OtherHead)
    nn.Module.__init__(head)
    check_teacher(Shell(head))
    with pytest.raises(ValueError, match='OtherHead brings its own `loss_by_feat_single`'):
        check_student(Shell(head))
    with pytest.raises(ValueError, match='assigned by NoneType'):
        check_student(shell('DINOHead'))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(rows='positives'), "rows='positives'"),
        (dict(match='boxes'), "match='boxes'"),
        (dict(layers='first'), "layers='first'"),
        (dict(rows='teacher_topk'), 'topk=None'),
        (dict(topk=5), 'topk=5'),
        (dict(activation='relu'), "activation='relu'"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QueryHeadLogits(**arguments)


def test_what_does_not_fit_the_head_is_refused_before_training() -> None:
    with pytest.raises(ValueError, match=r"KDLoss\) compares softmax.*activation='softmax'"):
        distilled('dino', dict(loss_kd=KDLoss()))
    with pytest.raises(ValueError, match=r'BinaryKDLoss\) compares sigmoid'):
        distilled('detr', dict(loss_kd=BinaryKDLoss()))
    with pytest.raises(ValueError, match=r"activation='softmax' on a sigmoid head.*foreground"):
        distilled('dino', dict(loss_kd=KDLoss()), activation='softmax')
    with pytest.raises(ValueError, match=r"DKDLoss\) needs labels.*rows='all'.*background"):
        distilled('dino', dict(loss_kd=DKDLoss()), activation='softmax', rows='all')
    with pytest.raises(ValueError, match='SDD needs regions'):
        distilled('detr', dict(loss_kd=SDDLoss(base=dict(type='mmlogitkd.KDLoss'))))
    with pytest.raises(ValueError, match='student GFL is no detector with queries'):
        QueryHeadLogits().attach(build_dense(dense_config('gfl')))
    student = distilled('detr', dict(loss_dkd=DKDLoss()))  # background is a class there
    assert student(*batch(), mode='loss')['loss_dkd'] > 0
    assert len(ALL_LAYERS) == LAYERS
