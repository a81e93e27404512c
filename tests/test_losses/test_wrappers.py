"""SDDLoss and StandardizedLoss over their bases."""

import pytest
import torch

from mmlogitkd.functional import region_weights, standardize
from mmlogitkd.registry import MODELS

from .cases import LOSSES, PER_ROW, batch, build, value_and_gradient

BASES = [name for name in PER_ROW if not name.startswith('SDDLoss')]


def wrap(wrapper, base, **arguments):
    return MODELS.build(dict(type=f'mmlogitkd.{wrapper}', base=LOSSES[base], **arguments))


@pytest.mark.parametrize('base', BASES)
def test_sdd_of_the_global_cell_alone_is_its_base(base):
    student, teacher, target = batch(build(base))
    value, gradient = value_and_gradient(
        wrap('SDDLoss', base, scales=(1,)), student[..., None], teacher[..., None], target
    )
    expected = value_and_gradient(build(base), student, teacher, target)
    torch.testing.assert_close((value, gradient[..., 0]), expected)


@pytest.mark.parametrize('base', BASES)
@pytest.mark.parametrize('beta', [1.0, 2.0])
def test_sdd_averages_its_base_run_on_every_cell(base, beta):
    loss, alone = wrap('SDDLoss', base, beta=beta), build(base, reduction='none')
    student, teacher, target = batch(loss, rows=6)
    weight = region_weights(teacher.permute(2, 0, 1), target, beta)
    cells = [
        alone(s, t, target) for s, t in zip(student.unbind(-1), teacher.unbind(-1), strict=True)
    ]
    expected = torch.stack(cells) * weight  # (R, N)
    torch.testing.assert_close(loss(student, teacher, target), expected.mean())
    assert set(weight.flatten().tolist()) == {1.0, beta}


def test_sdd_takes_any_number_of_cells():
    loss = wrap('SDDLoss', 'KDLoss', scales=(1, 2, 4))
    for cells in (1, 5, 21):
        student, teacher = torch.randn(2, 4, 5, cells)
        assert loss(student, teacher, torch.zeros(4, dtype=torch.long)) > 0


def test_scales_are_what_the_loss_asks_of_an_adapter():
    assert wrap('SDDLoss', 'KDLoss', scales=[1, 2]).scales == (1, 2)
    assert all(build(name).scales is None for name in BASES)


@pytest.mark.parametrize('base', [name for name in LOSSES if '-' not in name])
def test_standardized_is_its_base_on_standardised_logits(base):
    student, teacher, target = batch(build(base))
    torch.testing.assert_close(
        value_and_gradient(wrap('StandardizedLoss', base), student, teacher, target),
        value_and_gradient(
            lambda s: build(base)(standardize(s), standardize(teacher), target), student
        ),
    )


@pytest.mark.parametrize('wrapper', ['SDDLoss', 'StandardizedLoss'])
@pytest.mark.parametrize('base', ['KDLoss', 'DKDLoss', 'BinaryKDLoss'])
def test_wrapper_reports_what_its_base_is(wrapper, base):
    loss, plain = wrap(wrapper, base), build(base)
    assert loss.activation == plain.activation
    assert loss.needs_target == (wrapper == 'SDDLoss' or plain.needs_target)
    assert loss.per_row


def test_standardized_has_rows_where_its_base_has():
    assert not wrap('StandardizedLoss', 'DISTLoss').per_row


@pytest.mark.parametrize('wrapper', ['SDDLoss', 'StandardizedLoss'])
def test_weights_of_wrapper_and_base_multiply(wrapper):
    plain = wrap(wrapper, 'KDLoss')
    base = dict(type='mmlogitkd.KDLoss', loss_weight=3.0)
    weighted = MODELS.build(dict(type=f'mmlogitkd.{wrapper}', base=base, loss_weight=2.0))
    logits = batch(plain)
    torch.testing.assert_close(weighted(*logits), 6 * plain(*logits))


def test_standardisation_inside_the_regions():
    loss = MODELS.build(
        dict(type='mmlogitkd.SDDLoss', base=LOSSES['StandardizedLoss-KDLoss'], beta=1.0)
    )
    student, teacher, target = batch(loss)
    plain = build('StandardizedLoss-KDLoss')
    cells = [plain(s, t) for s, t in zip(student.unbind(-1), teacher.unbind(-1), strict=True)]
    torch.testing.assert_close(loss(student, teacher, target), torch.stack(cells).mean())
