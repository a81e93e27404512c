"""What holds for every loss of the package."""

import inspect

import pytest
import torch
from torch.autograd import gradcheck

import mmlogitkd.losses as losses
from mmlogitkd.registry import MODELS

from .cases import DIVERGENCES, LOSSES, batch, build, value_and_gradient

every_loss = pytest.mark.parametrize('name', LOSSES)
REDUCED = {'loss_weight': 1.0, 'reduction': 'mean'}
KD = dict(type='mmlogitkd.KDLoss')
DEFAULTS = {
    'KDLoss': dict(temperature=4.0),
    'DKDLoss': dict(alpha=1.0, beta=8.0, temperature=4.0),
    'NKDLoss': dict(gamma=1.5, temperature=1.0),
    'DISTLoss': dict(beta=1.0, gamma=1.0, temperature=1.0),
    'LDRLDLoss': dict(
        depth=7,
        alpha=10.5,
        beta=7.0,
        temperature=4.0,
        eps=1.5,
        delta=2.0,
        decay=0.05,
        average_pairs=True,
    ),
    'LumiNetLoss': dict(alpha=33.0, temperature=4.0, eps=1e-5, sync_stats=False),
    'SDDLoss': dict(base=inspect.Parameter.empty, scales=(1, 2, 4), beta=2.0),
    'TTMLoss': dict(gamma=0.1),
    'WTTMLoss': dict(gamma=0.1),
    'RLDLoss': dict(alpha=1.0, beta=8.0, temperature=4.0, alpha_temperature=1.0),
    'GDKDLoss': dict(topk=5, w0=1.0, w1=2.0, w2=8.0, temperature=4.0),
    'StandardizedLoss': dict(base=inspect.Parameter.empty, eps=1e-7),
    'MLKDLoss': dict(temperatures=(2, 3, 4, 5, 6)),
    'BinaryKDLoss': dict(beta=1.0),
}


def test_every_loss_is_tested_and_registered():
    public = {
        name
        for name in losses.__all__
        if inspect.isclass(getattr(losses, name)) and name != 'LogitLoss'
    }
    assert public == {name.split('-')[0] for name in LOSSES} == set(DEFAULTS)
    assert all(MODELS.get(f'mmlogitkd.{name}') is getattr(losses, name) for name in public)


@pytest.mark.parametrize('name', DEFAULTS)
def test_arguments_and_defaults_are_the_published_ones(name):
    parameters = inspect.signature(getattr(losses, name)).parameters
    assert {key: value.default for key, value in parameters.items()} == DEFAULTS[name] | REDUCED


@every_loss
def test_has_no_state(name):
    loss = build(name)
    assert not list(loss.parameters())
    assert not loss.state_dict()


@every_loss
def test_gradient_is_that_of_the_value(name):
    loss = build(name)
    student, teacher, target = batch(loss)
    assert gradcheck(lambda s: loss(s, teacher, target), student.requires_grad_())


@every_loss
def test_no_gradient_reaches_the_teacher(name):
    loss = build(name)
    student, teacher, target = batch(loss)
    loss(student.requires_grad_(), teacher.requires_grad_(), target).backward()
    assert teacher.grad is None
    assert student.grad.abs().sum() > 0


@every_loss
def test_does_not_change_its_inputs(name):
    loss = build(name)
    student, teacher, target = batch(loss)
    copies = student.clone(), teacher.clone(), target.clone()
    loss(student, teacher, target)
    assert all(map(torch.equal, (student, teacher, target), copies))


@every_loss
@pytest.mark.parametrize('factor', [0.0, 2.5])
def test_loss_weight_multiplies(name, factor):
    student, teacher, target = batch(build(name))
    plain = build(name)(student, teacher, target)
    weighted = build(name, loss_weight=factor)(student, teacher, target)
    torch.testing.assert_close(weighted, factor * plain)


@every_loss
def test_order_of_the_rows_plays_no_part(name):
    loss = build(name)
    student, teacher, target = batch(loss, rows=6)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    value, gradient = value_and_gradient(loss, student, teacher, target)
    moved = value_and_gradient(loss, student[order], teacher[order], target[order])
    torch.testing.assert_close(moved, (value, gradient[order]))


@every_loss
def test_order_of_the_classes_plays_no_part(name):
    loss = build(name)
    student, teacher, target = batch(loss)
    order = torch.tensor([3, 0, 4, 1, 2])
    value, gradient = value_and_gradient(loss, student, teacher, target)
    moved = value_and_gradient(loss, student[:, order], teacher[:, order], order.argsort()[target])
    torch.testing.assert_close(moved, (value, gradient[:, order]))


@pytest.mark.parametrize('name', DIVERGENCES)
@pytest.mark.parametrize('scale', [1.0, 1e4])
@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.bfloat16])
def test_divergence_is_zero_for_equal_logits_alone(name, scale, dtype):
    loss = build(name)
    student, teacher, target = batch(loss, dtype=dtype, scale=scale)
    value, gradient = value_and_gradient(loss, teacher, teacher, target)
    assert value == 0
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-4)
    assert loss(student, teacher, target) > 0


def test_dist_is_near_zero_for_equal_logits():
    loss = build('DISTLoss')
    _, teacher, _ = batch(loss)
    assert 0 < loss(teacher, teacher) < 1e-5


@every_loss
def test_works_inside_autocast(name):
    loss = build(name)
    student, teacher, target = batch(loss, dtype=torch.float32)
    expected = value_and_gradient(loss, student, teacher, target)
    student.requires_grad_()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = loss(student, teacher, target)
    value.backward()
    assert value.dtype == torch.float32
    torch.testing.assert_close((value.detach(), student.grad), expected, rtol=0, atol=0)


@every_loss
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_logits_are_computed_in_float32(name, dtype):
    loss = build(name)
    student, teacher, target = batch(loss, dtype=dtype)
    value, gradient = value_and_gradient(loss, student, teacher, target)
    expected = value_and_gradient(loss, student.float(), teacher.float(), target)
    assert gradient.dtype == dtype
    torch.testing.assert_close((value, gradient), (expected[0], expected[1].to(dtype)))


@every_loss
def test_a_float32_teacher_goes_with_a_bfloat16_student(name):
    loss = build(name)
    student, teacher, target = batch(loss, dtype=torch.float32)
    student = student.bfloat16()
    torch.testing.assert_close(
        loss(student, teacher, target), loss(student.float(), teacher, target)
    )


@every_loss
def test_compiles_into_one_graph(name):
    loss = build(name)
    student, teacher, target = batch(loss)
    torch._dynamo.reset()
    compiled = torch.compile(loss, backend='eager', fullgraph=True)
    torch.testing.assert_close(
        value_and_gradient(compiled, student, teacher, target),
        value_and_gradient(loss, student, teacher, target),
    )
