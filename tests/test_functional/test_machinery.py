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
from mmlogitkd.functional.common import drop_class, sigmoid_kl, softmax_kl, split_at_rank

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


def test_drop_class_keeps_the_others_in_order():
    logits = torch.arange(12.0).view(3, 4)
    got = drop_class(logits, torch.tensor([0, 3, 1]))
    assert got.tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [8.0, 10.0, 11.0]]


def test_split_at_rank_keeps_ties_in_order():
    ranking = torch.tensor([[1.0, 3.0, 3.0, 1.0, 3.0]])
    ((top, rest),) = split_at_rank(ranking, 2, torch.arange(5.0)[None])
    assert top.tolist() == [[1.0, 2.0]]
    assert rest.tolist() == [[4.0, 0.0, 3.0]]
    many = torch.arange(1000.0)[None]
    ((top, rest),) = split_at_rank(torch.zeros(1, 1000), 300, many)
    assert torch.equal(torch.cat((top, rest), -1), many)


def test_sigmoid_kl_is_the_softmax_kl_of_two_classes(batch):
    student, teacher, _ = batch(50, 2, scale=10.0)
    torch.testing.assert_close(
        sigmoid_kl(student[:, 0] - student[:, 1], teacher[:, 0] - teacher[:, 1]),
        softmax_kl(student, teacher),
    )


def test_sigmoid_kl_keeps_what_a_subtraction_from_one_would_lose():
    student, teacher = torch.tensor([1e4, -1e4]), torch.tensor([20.0, -20.0])
    expected = sigmoid_kl(student.double(), teacher.double())
    torch.testing.assert_close(sigmoid_kl(student, teacher).double(), expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize('topk', ['ldrld_loss', 'gdkd_loss'])
def test_ranks_beyond_the_classes_are_refused(batch, topk):
    student, teacher, _ = batch(4, 5)
    with pytest.raises(ValueError, match='6 is larger than the 5 classes'):
        getattr(functional, topk)(student, teacher, 6)
