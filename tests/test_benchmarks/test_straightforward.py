"""The straightforward forms compute what the losses of the package compute."""

import pytest
import torch

from mmlogitkd import losses
from mmlogitkd.benchmarks.loss_cases import CASES, choose


def value_and_gradient(loss, student, teacher, target):
    value = loss(student, teacher, target)
    (gradient,) = torch.autograd.grad(value, student)
    return value.detach(), gradient


@pytest.mark.parametrize('rows, classes', [(5, 9), (3, 24)])
@pytest.mark.parametrize('case', CASES, ids=lambda case: f'{case.name} {case.regions}')
def test_value_and_gradient_agree(case, rows, classes):
    student, teacher, target = case.batch(rows, classes, dtype=torch.float64)
    ours = value_and_gradient(case.build(), student, teacher, target)
    theirs = value_and_gradient(case.straightforward, student, teacher, target)
    assert ours[1].abs().max() > 1e-6
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_every_loss_has_a_case():
    names = {type(case.build()).__name__ for case in CASES}
    assert names == {name for name in losses.__all__ if name.endswith('Loss')} - {'LogitLoss'}


def test_half_precision_is_computed_in_float32():
    case = choose(['kd'])[0]
    student, teacher, target = case.batch(3, 5, dtype=torch.bfloat16)
    assert case.straightforward(student, teacher, target).dtype == torch.float32


def test_cases_are_chosen_by_name():
    chosen = choose(['sdd', 'kd'])
    assert [case.name for case in chosen] == ['KD', *2 * ['SDD (on KD)'], *2 * ['SDD (on LDRLD)']]
    assert [case.regions for case in choose(['sdd (on ldrld)'])] == [5, 21]
    with pytest.raises(ValueError, match=r"No such losses: \['dino'\]; there are \['KD'"):
        choose(['DINO', 'KD'])
