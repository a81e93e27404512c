"""A loss gives its formula as a closed form, or leaves the gradient to autograd."""

import pytest
import torch

from mmlogitkd.benchmarks.peak_memory import peak_memory
from mmlogitkd.functional import kd_loss
from mmlogitkd.losses import KDLoss, LogitLoss, StandardizedLoss

from .cases import LOSSES, batch, build, value_and_gradient


class Doubled(KDLoss):
    """A closed form that somebody has changed."""

    def compute(self, student, teacher, target, weight):
        return 2 * super().compute(student, teacher, target, weight)


class Plain(LogitLoss):
    """KD, differentiated by autograd."""

    def compute(self, student, teacher, target, weight):
        return (teacher.softmax(-1) * (teacher.log_softmax(-1) - student.log_softmax(-1))).sum(-1)


@pytest.mark.parametrize('name', LOSSES)
def test_a_loss_is_evaluated_in_its_closed_form_where_it_has_one(name):
    loss = build(name)
    assert loss.is_closed_form() == (
        not name.startswith('SDD') and not name.endswith('LumiNetLoss')
    )


@pytest.mark.parametrize('name', LOSSES)
def test_the_mean_in_the_closed_form_is_that_of_the_rows(name):
    loss = build(name, loss_weight=3.0)
    student, teacher, target = batch(loss)

    def of_rows(logits):
        return 3 * loss.compute(logits, teacher, target, None).mean()

    torch.testing.assert_close(
        value_and_gradient(loss, student, teacher, target), value_and_gradient(of_rows, student)
    )


@pytest.mark.parametrize('name', [name for name in LOSSES if build(name).per_row])
@pytest.mark.parametrize('limit', [1, 10, 25])
def test_blocks_of_rows_give_the_same(monkeypatch, name, limit):
    loss = build(name, loss_weight=3.0)
    student, teacher, target = batch(loss, rows=7)
    expected = value_and_gradient(loss, student, teacher, target)
    monkeypatch.setattr('mmlogitkd.functional.closed_form.BLOCK', limit)
    torch.testing.assert_close(value_and_gradient(loss, student, teacher, target), expected)


def test_a_large_batch_takes_little_memory():
    loss = KDLoss()
    student = torch.randn(4096, 1000, requires_grad=True)
    teacher = torch.randn(4096, 1000)
    peak = peak_memory(lambda: loss(student, teacher), torch.device('cpu'))
    assert peak < 1.5 * 4 * student.numel()  # the gradient, and blocks


def test_what_a_subclass_changes_counts():
    student, teacher, target = batch(KDLoss())
    doubled = value_and_gradient(Doubled(), student, teacher, target)
    expected = value_and_gradient(lambda s: 2 * kd_loss(s, teacher).mean(), student)
    torch.testing.assert_close(doubled, expected)
    standardized = StandardizedLoss(Doubled())
    assert not standardized.is_closed_form()
    torch.testing.assert_close(
        standardized(student, teacher), 2 * StandardizedLoss(KDLoss())(student, teacher)
    )


def test_autograd_differentiates_what_has_no_closed_form():
    student, teacher, _ = batch(KDLoss())
    torch.testing.assert_close(
        value_and_gradient(Plain(), student, teacher),
        value_and_gradient(KDLoss(temperature=1.0), student, teacher),
    )


def test_a_loss_without_a_formula_says_so():
    with pytest.raises(NotImplementedError, match='LogitLoss implements neither form nor compute'):
        LogitLoss()(torch.zeros(2, 3), torch.zeros(2, 3))
