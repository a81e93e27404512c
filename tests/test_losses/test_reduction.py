"""weight, avg_factor and reduction mean what mmdet means by them."""

import pytest
import torch

from .cases import COUPLED, PER_ROW, batch, build

per_row = pytest.mark.parametrize('name', PER_ROW)
coupled = pytest.mark.parametrize('name', COUPLED)


@pytest.fixture
def weight_reduce_loss():
    return pytest.importorskip('mmdet.models.losses.utils').weight_reduce_loss


@per_row
@pytest.mark.parametrize('weight', [None, [0.5, 0.0, 2.0, 1.0], [0.0] * 4, [1, 0, 1, 1]], ids=str)
@pytest.mark.parametrize(
    ('reduction', 'avg_factor'),
    [
        ('mean', None),
        ('sum', None),
        ('none', None),
        ('none', 3.0),
        ('mean', 3.0),
        ('mean', 0.0),
        ('mean', torch.tensor(2.5)),
        ('mean', torch.tensor(3)),
    ],
    ids=str,
)
def test_equals_mmdet(weight_reduce_loss, name, weight, reduction, avg_factor):
    loss = build(name, loss_weight=2.0)
    student, teacher, target = batch(loss, dtype=torch.float32)
    weight = None if weight is None else torch.tensor(weight)
    rows = loss.compute(student, teacher, target, weight)
    torch.testing.assert_close(
        loss(student, teacher, target, weight, avg_factor, reduction_override=reduction),
        2.0 * weight_reduce_loss(rows, weight, reduction, avg_factor),
    )


@per_row
def test_rows_of_weight_zero_change_nothing(name):
    loss = build(name)
    student, teacher, target = batch(loss, rows=6)
    weight = torch.tensor([1.0, 0.0, 2.0, 0.0, 0.5, 1.0])
    kept = weight > 0
    torch.testing.assert_close(
        loss(student, teacher, target, weight, avg_factor=3.5),
        loss(student[kept], teacher[kept], target[kept], weight[kept], avg_factor=3.5),
    )


@per_row
def test_a_constructed_reduction_is_the_overridden_one(name):
    student, teacher, target = batch(build(name))
    for reduction in ('none', 'sum', 'mean'):
        torch.testing.assert_close(
            build(name, reduction=reduction)(student, teacher, target),
            build(name)(student, teacher, target, reduction_override=reduction),
        )


@coupled
def test_coupled_loss_scales_its_batch_mean(name):
    loss = build(name)
    student, teacher, target = batch(loss, dtype=torch.float32)
    mean = loss(student, teacher, target)
    torch.testing.assert_close(build(name, reduction='sum')(student, teacher, target), 4 * mean)
    for avg_factor in (3.0, torch.tensor(3.0)):
        got = loss(student, teacher, target, avg_factor=avg_factor)
        torch.testing.assert_close(got, 4 / 3 * mean)


@coupled
def test_coupled_loss_refuses_rows(name):
    loss = build(name)
    student, teacher, target = batch(loss)
    with pytest.raises(ValueError, match=r'no value per row.*pass only the rows that count'):
        loss(student, teacher, target, weight=torch.ones(4))
    with pytest.raises(ValueError, match=r"'none' asks for one value per row.*use 'mean' or 'sum'"):
        loss(student, teacher, target, reduction_override='none')
    with pytest.raises(ValueError, match="use 'mean' or 'sum'"):
        build(name, reduction='none')


@pytest.mark.parametrize('name', PER_ROW + COUPLED)
def test_avg_factor_with_sum_is_refused(name):
    loss = build(name, reduction='sum')
    student, teacher, target = batch(loss)
    with pytest.raises(ValueError, match="avg_factor has no meaning with reduction='sum'"):
        loss(student, teacher, target, avg_factor=2.0)


def test_luminet_statistics_run_over_the_rows_that_count():
    loss = build('LumiNetLoss', reduction='none')
    student, teacher, _ = batch(loss, rows=6)
    weight = torch.tensor([1.0, 0.0, 2.0, 0.0, 0.5, 1.0], dtype=torch.float64)
    kept = weight > 0
    before = loss(student, teacher, weight=weight)
    torch.testing.assert_close(
        before[kept], loss(student[kept], teacher[kept], weight=weight[kept])
    )
    student[~kept] += 100 * torch.randn(2, 5)
    torch.testing.assert_close(loss(student, teacher, weight=weight), before)


def test_sdd_weighs_images_after_the_mean_over_cells():
    loss = build('SDDLoss-KDLoss', reduction='none')
    student, teacher, target = batch(loss)
    weight = torch.tensor([1.0, 0.0, 2.0, 0.5], dtype=torch.float64)
    torch.testing.assert_close(
        loss(student, teacher, target, weight), weight * loss(student, teacher, target)
    )
