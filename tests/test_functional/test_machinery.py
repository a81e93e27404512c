"""Precision, shapes, compilation and devices of the functional forms."""

import ast
import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
import torch
from torch.autograd import gradcheck

import mmlogitkd.functional as functional
import mmlogitkd.losses as losses
from mmlogitkd.functional.common import (
    bernoulli,
    compare,
    divergence,
    leave_out,
    mass,
    over,
    pick,
    rank,
    softmax_kl,
)
from mmlogitkd.functional.mlkd import gram_error
from mmlogitkd.functional.standardize import standardize, standardized

CALLS = {
    'kd_loss': {},
    'dkd_loss': {},
    'nkd_loss': {},
    'ldrld_loss': dict(depth=3),
    'luminet_loss': {},
    'ttm_loss': {},
    'wttm_loss': {},
    'rld_loss': {},
    'gdkd_loss': dict(topk=2),
    'binary_kd_loss': {},
    'dist_loss': {},
    'mlkd_loss': {},
}
LABELLED = ('dkd_loss', 'nkd_loss', 'rld_loss')
COUPLED = ('dist_loss', 'mlkd_loss')
MODULES = [
    f'{package.__name__}.{module.name}'
    for package in (functional, losses)
    for module in pkgutil.iter_modules(package.__path__)
]
every_function = pytest.mark.parametrize('name', CALLS)


def call(name, student, teacher, target):
    labels = (target,) if name in LABELLED else ()
    return getattr(functional, name)(student, teacher, *labels, **CALLS[name])


def test_every_loss_function_is_tested():
    public = {name for name in functional.__all__ if name.endswith('_loss')}
    assert public == set(CALLS) | {'sdd_loss'}


@every_function
def test_gradient_is_that_of_the_value(batch, name):
    student, teacher, target = batch(4, 5, scale=1.0)
    assert gradcheck(lambda s: call(name, s, teacher, target), student.requires_grad_())


@every_function
@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_dtype_and_shape(batch, name, dtype):
    student, teacher, target = batch(4, 5)
    value = call(name, student.to(dtype), teacher.to(dtype), target)
    assert value.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert value.shape == (() if name in COUPLED else (4,))


@pytest.mark.parametrize('name', [name for name in CALLS if name not in COUPLED])
def test_leading_dimensions_are_batches_of_their_own(batch, name):
    student, teacher, target = batch(3, 4, 5)
    together = call(name, student, teacher, target)
    alone = [call(name, s, t, target) for s, t in zip(student, teacher, strict=True)]
    torch.testing.assert_close(together, torch.stack(alone))


@every_function
def test_autocast_does_not_reach_the_formula(batch, name):
    student, teacher, target = (x.float() if x.is_floating_point() else x for x in batch(4, 5))
    expected = call(name, student, teacher, target)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        torch.testing.assert_close(call(name, student, teacher, target), expected, rtol=0, atol=0)


@every_function
def test_compiles_into_one_graph(batch, name):
    student, teacher, target = batch(4, 5)
    torch._dynamo.reset()
    compiled = torch.compile(call, backend='aot_eager', fullgraph=True)
    results = []
    for function in (call, compiled):
        leaf = student.clone().requires_grad_()
        value = function(name, leaf, teacher, target)
        results.append((value.detach(), torch.autograd.grad(value.sum(), leaf)[0]))
    torch.testing.assert_close(*results)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
@every_function
def test_does_not_synchronise_the_device(batch, name):
    student, teacher, target = (x.cuda() for x in batch(4, 5))
    student.requires_grad_()
    call(name, student, teacher, target).sum().backward()
    torch.cuda.set_sync_debug_mode('error')
    try:
        call(name, student, teacher, target).sum().backward()
    finally:
        torch.cuda.set_sync_debug_mode('default')


@pytest.mark.parametrize('path', sorted(Path(functional.__file__).parent.glob('*.py')), ids=str)
def test_no_call_that_synchronises_or_has_a_data_dependent_shape(path):
    forbidden = {'item', 'tolist', 'cpu', 'numpy', 'nonzero', 'masked_select', 'unique'}
    nodes = ast.walk(ast.parse(path.read_text()))
    assert not {node.attr for node in nodes if isinstance(node, ast.Attribute)} & forbidden


@pytest.mark.parametrize('path', sorted(Path(functional.__file__).parent.glob('*.py')), ids=str)
def test_functions_import_torch_and_nothing_above_them(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            roots = {alias.name.split('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1
            roots = {(node.module or '').split('.')[0]} if node.level == 0 else set()
        else:
            continue
        assert roots <= {'torch', 'functools', 'collections', 'typing'}


@pytest.mark.parametrize('name', MODULES)
def test_examples_in_docstrings(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    'item',
    [getattr(functional, name) for name in CALLS]
    + [getattr(losses, name) for name in losses.__all__ if name.endswith('Loss')],
    ids=lambda item: item.__name__,
)
def test_every_loss_has_an_example(item):
    if item is not losses.LogitLoss:
        assert '>>> ' in inspect.getdoc(item)


def test_left_out_classes_play_no_part(batch):
    student, teacher, _ = batch(4, 6)
    before = student.clone(), teacher.clone()
    index = torch.tensor([[0, 5]]).expand(4, 2)
    both = over(student, teacher, 2.0)
    picked = pick(both, index)
    torch.testing.assert_close(picked, torch.stack((student, teacher))[..., [0, 5]] / 2)
    logs = leave_out(both, index)
    inside = torch.stack((student, teacher))[..., 1:5] / 2
    torch.testing.assert_close(mass(both, logs), inside.logsumexp(-1))
    got, expected = compare(logs, both), divergence(student[:, 1:5], teacher[:, 1:5], 2.0)
    assert torch.equal(student, before[0])
    assert torch.equal(teacher, before[1])
    torch.testing.assert_close(got.value, expected.value)
    for model in ('student', 'teacher'):
        torch.testing.assert_close(getattr(got, model)[:, 1:5], getattr(expected, model))
    gradient = got.gradient()
    torch.testing.assert_close(gradient[:, 1:5], expected.gradient())
    assert gradient[:, [0, 5]].eq(0).all()
    both = over(student, teacher, 2.0)
    crossed = compare(leave_out(both, index), both, cross_entropy=True)
    entropy = torch.special.entr(inside[1].softmax(-1)).sum(-1)
    torch.testing.assert_close(crossed.value, expected.value + entropy)


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_rank_keeps_ties_in_order(dtype):
    ranking = torch.tensor([[1.0, 3.0, 3.0, 1.0, 3.0], [-1.0, -0.0, 0.0, -1.0, -2.0]], dtype=dtype)
    assert rank(ranking, 2).tolist() == [[1, 2], [1, 2]]
    assert rank(ranking, 5).tolist() == [[1, 2, 4, 0, 3], [1, 2, 0, 3, 4]]
    assert rank(torch.zeros(1, 1000, dtype=dtype), 300).tolist() == [list(range(300))]


def test_rank_without_ties_is_the_rank_with_ties_elsewhere(batch):
    ranking = batch(20, 50, scale=100.0)[0].float()
    expected = ranking.double().argsort(dim=-1, descending=True)[:, :7]
    assert torch.equal(rank(ranking, 7), expected)
    tied = torch.cat((torch.zeros(1, 50), ranking))  # one row of ties: another way for all
    assert torch.equal(rank(tied, 7)[1:], expected)


def test_a_gradient_of_the_gradient_is_refused(batch):
    student, teacher, _ = batch(4, 5)
    (gradient,) = torch.autograd.grad(
        softmax_kl(student.requires_grad_(), teacher).sum(), student, create_graph=True
    )
    with pytest.raises(RuntimeError, match='does not require grad'):
        gradient.sum().backward()


def test_a_graph_that_is_kept_gives_its_gradient_again(batch):
    student, teacher, _ = batch(4, 5)
    value = softmax_kl(student.requires_grad_(), teacher).sum()
    first, second = (torch.autograd.grad(value, student, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


def test_an_average_is_that_of_rows_and_gradients(batch):
    student, teacher, _ = batch(4, 5)
    student.requires_grad_()
    expected = 3.0 * functional.kd_loss(student, teacher, 2.0).mean()
    got = functional.differentiable(
        student, teacher, lambda s, t: functional.kd_loss.form(s, t, 2.0).mean(3.0)
    )
    torch.testing.assert_close(got, expected)
    gradients = [torch.autograd.grad(value, student)[0] for value in (got, expected)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize('eps', [1e-7, 0.5])
def test_standardisation_pulls_gradients_back_as_autograd_does(batch, eps):
    logits, gradient, _ = batch(4, 5)
    logits[1] = 3.0  # equal logits have no direction
    logits.requires_grad_()
    (expected,) = torch.autograd.grad(standardize(logits, eps), logits, gradient)
    found = standardized(logits.detach(), eps)
    torch.testing.assert_close(found.logits, standardize(logits, eps).detach())
    torch.testing.assert_close(found.pull_back(gradient), expected)
    assert not expected[1].any()


@every_function
def test_no_gradient_flows_into_the_teacher(batch, name):
    student, teacher, target = batch(4, 5)
    call(name, student.requires_grad_(), teacher.requires_grad_(), target).sum().backward()
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None


@pytest.mark.parametrize('scale', [0.1, 10.0])
def test_bernoulli_knows_its_derivative(batch, scale):
    student, teacher, _ = batch(50, 2, scale=scale)
    value, slope = bernoulli(torch.stack((student.requires_grad_(), teacher)))
    (gradient,) = torch.autograd.grad(value.sum(), student)
    torch.testing.assert_close(slope, gradient)


@pytest.mark.parametrize('shape', [(3, 7), (7, 3)])
def test_gram_error_of_either_side(batch, shape):
    student, teacher, _ = batch(*shape)
    student.requires_grad_()
    expected = (student @ student.T - teacher @ teacher.T).square().sum()
    (gradient,) = torch.autograd.grad(expected, student)
    got = gram_error(student.detach(), teacher)
    torch.testing.assert_close(got, (expected.detach(), gradient))


def test_gram_error_of_matrices_that_nearly_agree(batch):
    student, _, _ = batch(200, 3)
    change = 1e-4 * student.roll(1, 0)
    expected, _ = gram_error(student, student + change)
    got, _ = gram_error(student.float(), student.float() + change.float())
    torch.testing.assert_close(got.double(), expected, rtol=1e-2, atol=0)


def test_bernoulli_is_the_softmax_kl_of_two_classes(batch):
    student, teacher, _ = batch(50, 2, scale=10.0)
    torch.testing.assert_close(
        bernoulli(torch.stack((student[:, 0] - student[:, 1], teacher[:, 0] - teacher[:, 1])))[0],
        softmax_kl(student, teacher),
    )


def test_bernoulli_keeps_what_a_subtraction_from_one_would_lose():
    student, teacher = torch.tensor([1e4, -1e4]), torch.tensor([20.0, -20.0])
    expected, _ = bernoulli(torch.stack((student, teacher)).double())
    got, _ = bernoulli(torch.stack((student, teacher)))
    torch.testing.assert_close(got.double(), expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize('topk', ['ldrld_loss', 'gdkd_loss'])
def test_ranks_beyond_the_classes_are_refused(batch, topk):
    student, teacher, _ = batch(4, 5)
    with pytest.raises(ValueError, match='6 is larger than the 5 classes'):
        getattr(functional, topk)(student, teacher, 6)
