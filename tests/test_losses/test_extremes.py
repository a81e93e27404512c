"""Values and gradients stay finite where formulas break: extremes, ties, tiny batches."""

import pytest
import torch

from .cases import LOSSES, PER_ROW, REGIONS, batch, build, value_and_gradient

every_loss = pytest.mark.parametrize('name', LOSSES)
every_dtype = pytest.mark.parametrize(
    'dtype', [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str
)
ROWS, CLASSES = 4, 6


def one_hot(index, high, low=0.0):
    logits = torch.full((ROWS, CLASSES), low)
    logits[:, index] = high
    return logits


def signs(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(2, (ROWS, CLASSES), generator=generator) * 2.0 - 1


PATTERNS = {
    'zeros': (torch.zeros(ROWS, CLASSES), torch.zeros(ROWS, CLASSES)),
    'equal and large': (torch.full((ROWS, CLASSES), 1e4), torch.full((ROWS, CLASSES), -1e4)),
    'equal student': (torch.full((ROWS, CLASSES), 0.1), signs(0)),
    'equal teacher': (signs(0), torch.full((ROWS, CLASSES), 0.1)),
    'opposite certainty': (one_hot(0, 1e4, -1e4), one_hot(1, 1e4, -1e4)),
    'certain and wrong': (one_hot(0, 200.0), one_hot(1, 200.0)),
    'certain student': (one_hot(0, 1e4), torch.zeros(ROWS, CLASSES)),
    'certain teacher': (torch.zeros(ROWS, CLASSES), one_hot(0, 1e4)),
    'signs': (1e4 * signs(1), 1e4 * signs(2)),
    'ties': (signs(3), signs(4)),
    'ramp': (
        torch.linspace(-1e4, 1e4, CLASSES).repeat(ROWS, 1),
        torch.linspace(1e4, -1e4, CLASSES).repeat(ROWS, 1),
    ),
    'rows apart': (
        torch.linspace(-1e4, 1e4, ROWS)[:, None].repeat(1, CLASSES),
        torch.linspace(1e4, -1e4, ROWS)[:, None].repeat(1, CLASSES),
    ),
}


def shaped(loss, logits, dtype):
    if loss.scales is not None:
        # the cells differ, region 0 is the global one
        logits = torch.stack([logits.roll(r, 1) for r in range(REGIONS)], -1)
    return logits.to(dtype)


@every_loss
@every_dtype
@pytest.mark.parametrize('pattern', PATTERNS)
def test_finite_at_extremes(name, dtype, pattern):
    loss = build(name)
    student, teacher = (shaped(loss, logits, dtype) for logits in PATTERNS[pattern])
    for label in (0, CLASSES - 1):
        target = torch.full((ROWS,), label)
        value, gradient = value_and_gradient(loss, student, teacher, target)
        assert value.isfinite()
        assert gradient.isfinite().all()


@pytest.mark.full
@pytest.mark.filterwarnings('ignore:LumiNetLoss got a batch of one row')
@every_loss
@every_dtype
@pytest.mark.parametrize('scale', [1e-4, 1.0, 30.0, 3e3])
def test_finite_for_random_logits(name, dtype, scale):
    for seed in range(20):
        for rows, classes in ((1, 2), (2, 2), (3, 7), (16, 50)):
            loss = build(name)
            student, teacher, target = batch(loss, rows, classes, dtype, scale, seed)
            student, teacher = student.clamp(-1e4, 1e4), teacher.clamp(-1e4, 1e4)
            value, gradient = value_and_gradient(loss, student, teacher, target)
            assert value.isfinite()
            assert gradient.isfinite().all()


@every_loss
@every_dtype
def test_no_rows_give_a_differentiable_zero(name, dtype):
    calls = [('mean', None), ('mean', 3.0), ('mean', torch.tensor(0.0)), ('sum', None)]
    if name in PER_ROW:
        calls += [('none', None), ('none', 3.0)]
    for reduction, avg_factor in calls:
        loss = build(name, reduction=reduction)
        student, teacher, target = batch(loss, rows=0, dtype=dtype)
        weight = torch.zeros(0) if name in PER_ROW else None
        value, gradient = value_and_gradient(loss, student, teacher, target, weight, avg_factor)
        assert value.sum() == 0
        assert value.shape == ((0,) if reduction == 'none' else ())
        assert gradient.shape == student.shape


@every_loss
@pytest.mark.parametrize('classes', [2, 3])
@pytest.mark.filterwarnings('ignore:LumiNetLoss got a batch of one row')
def test_one_row(name, classes):
    loss = build(name)
    student, teacher, target = batch(loss, rows=1, classes=classes)
    value, gradient = value_and_gradient(loss, student, teacher, target)
    assert value.isfinite()
    assert gradient.isfinite().all()


@every_loss
def test_two_classes(name):
    loss = build(name)
    student, teacher, target = batch(loss, classes=2)
    value, gradient = value_and_gradient(loss, student, teacher, target)
    assert value > 0
    assert gradient.isfinite().all()


@pytest.mark.parametrize('name', ['KDLoss', 'TTMLoss', 'WTTMLoss', 'LumiNetLoss'])
def test_one_class_has_nothing_to_distil(name):
    loss = build(name)
    student, teacher, _ = batch(loss, classes=1)
    assert loss(student, teacher) == 0


def test_standardized_rows_of_equal_logits_carry_no_gradient():
    loss = build('StandardizedLoss-KDLoss')
    student, teacher, _ = batch(loss)
    student[0] = 0.1
    _, gradient = value_and_gradient(loss, student, teacher)
    assert (gradient[0] == 0).all()
    assert (gradient[1:] != 0).any(1).all()


@pytest.mark.parametrize('name', ['DISTLoss', 'StandardizedLoss-DISTLoss'])
def test_rows_of_equal_logits_are_uncorrelated_in_dist(name):
    loss = build(name, **({} if name == 'DISTLoss' else dict(base=dict(type='mmlogitkd.DISTLoss'))))
    _, teacher, _ = batch(loss)
    value, gradient = value_and_gradient(loss, torch.full_like(teacher, 0.1), teacher)
    assert value == 2
    assert (gradient == 0).all()


def test_luminet_of_large_logits_without_spread_is_zero_in_float32():
    loss = build('LumiNetLoss')
    student = torch.linspace(7000.1, 10000.1, 9).repeat(7, 1)
    assert loss(student, torch.zeros(7, 9)) == pytest.approx(0, abs=1e-3)


def test_luminet_warns_once_of_a_batch_of_one():
    loss = build('LumiNetLoss')
    student, teacher, _ = batch(loss, rows=1)
    with pytest.warns(UserWarning, match='batch of one row') as record:
        value, gradient = value_and_gradient(loss, student, teacher)
        loss(student, teacher)
    assert len(record) == 1
    assert value == 0
    assert (gradient == 0).all()
