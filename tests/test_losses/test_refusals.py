"""Whatever a loss cannot use is refused with the value and the way out."""

import pytest
import torch

from mmlogitkd.losses import KDLoss, LogitLoss, explain_values, invalid_values
from mmlogitkd.registry import MODELS

from .cases import LOSSES, batch, build, innermost

KD = dict(type='mmlogitkd.KDLoss')
every_loss = pytest.mark.parametrize('name', LOSSES)
ASKS_FOR_LABELS = [name for name in LOSSES if build(name).needs_target]
TAKES_NO_MIXTURE = [name for name in LOSSES if innermost(name) in ('DKDLoss', 'NKDLoss', 'RLDLoss')]
POSITIVE = {
    'KDLoss': ['temperature'],
    'DKDLoss': ['temperature'],
    'NKDLoss': ['temperature'],
    'DISTLoss': ['temperature'],
    'LDRLDLoss': ['temperature'],
    'LumiNetLoss': ['temperature', 'eps'],
    'TTMLoss': ['gamma'],
    'WTTMLoss': ['gamma'],
    'RLDLoss': ['temperature', 'alpha_temperature'],
    'GDKDLoss': ['temperature'],
    'StandardizedLoss-KDLoss': ['eps'],
}
NOT_NEGATIVE = {
    'DKDLoss': ['alpha', 'beta'],
    'NKDLoss': ['gamma'],
    'DISTLoss': ['beta', 'gamma'],
    'LDRLDLoss': ['alpha', 'beta', 'eps', 'delta', 'decay'],
    'LumiNetLoss': ['alpha'],
    'SDDLoss-KDLoss': ['beta'],
    'RLDLoss': ['alpha', 'beta'],
    'GDKDLoss': ['w0', 'w1', 'w2'],
    'BinaryKDLoss': ['beta'],
} | {name: ['loss_weight'] for name in ('KDLoss', 'MLKDLoss', 'TTMLoss', 'WTTMLoss')}


def arguments(table):
    return [(name, key) for name, keys in table.items() for key in keys]


@pytest.mark.parametrize(('name', 'key'), arguments(POSITIVE) + arguments(NOT_NEGATIVE))
@pytest.mark.parametrize('value', [-1.0, float('nan'), float('inf'), '4', True, None], ids=repr)
def test_argument_that_is_no_legal_number(name, key, value):
    with pytest.raises(ValueError, match=rf'{key} must be a finite number >=? 0, got {value!r}'):
        build(name, **{key: value})


@pytest.mark.parametrize(('name', 'key'), arguments(POSITIVE))
def test_argument_that_must_not_be_zero(name, key):
    with pytest.raises(ValueError, match=rf'{key} must be a finite number > 0, got 0'):
        build(name, **{key: 0})


@pytest.mark.parametrize(('name', 'key'), arguments(NOT_NEGATIVE))
def test_argument_that_may_be_zero(name, key):
    assert getattr(build(name, **{key: 0}), key) == 0


@pytest.mark.parametrize(('name', 'key'), [('LDRLDLoss', 'depth'), ('GDKDLoss', 'topk')])
@pytest.mark.parametrize('value', [0, -1, 2.0, True, '7'], ids=repr)
def test_argument_that_is_no_count(name, key, value):
    with pytest.raises(ValueError, match=rf'{key} must be an integer >= 1, got {value!r}'):
        build(name, **{key: value})


@pytest.mark.parametrize(
    ('name', 'key'), [('LDRLDLoss', 'average_pairs'), ('LumiNetLoss', 'sync_stats')]
)
def test_argument_that_is_no_flag(name, key):
    with pytest.raises(ValueError, match=rf"{key} must be True or False, got 'yes'"):
        build(name, **{key: 'yes'})


@every_loss
def test_unknown_reduction(name):
    with pytest.raises(ValueError, match=r"must be one of \('none', 'mean', 'sum'\), got 'median'"):
        build(name, reduction='median')
    loss = build(name)
    with pytest.raises(ValueError, match="got 'batchmean'"):
        loss(*batch(loss), reduction_override='batchmean')


@pytest.mark.parametrize('beta', [0.5, 0.999])
def test_power_with_an_unbounded_gradient(beta):
    with pytest.raises(ValueError, match=f'beta must be 0 or at least 1, got {beta}'):
        build('BinaryKDLoss', beta=beta)


@pytest.mark.parametrize('temperatures', [(), 4.0, '234'], ids=repr)
def test_mlkd_without_temperatures(temperatures):
    with pytest.raises(ValueError, match='temperatures must be a list or tuple'):
        build('MLKDLoss', temperatures=temperatures)


def test_mlkd_with_a_zero_temperature():
    with pytest.raises(ValueError, match=r'every entry of temperatures .* > 0, got 0'):
        build('MLKDLoss', temperatures=(2, 0))


@pytest.mark.parametrize(
    ('scales', 'message'),
    [
        ((), 'list or tuple with an entry or more'),
        (4, 'list or tuple with an entry or more'),
        ((2, 4), 'scales must begin with 1, the global cell'),
        ((1, 0), 'every entry of scales must be an integer >= 1, got 0'),
        ((1, 2.0), 'every entry of scales must be an integer >= 1, got 2.0'),
    ],
)
def test_sdd_scales(scales, message):
    with pytest.raises(ValueError, match=message):
        build('SDDLoss-KDLoss', scales=scales)


@pytest.mark.parametrize('wrapper', ['SDDLoss', 'StandardizedLoss'])
@pytest.mark.parametrize(
    ('base', 'message'),
    [
        (torch.nn.CrossEntropyLoss(), 'base must be a distillation loss'),
        ('mmlogitkd.KDLoss', 'base must be a distillation loss'),
        (dict(type='mmlogitkd.SDDLoss', base=KD), 'base SDDLoss works on regions'),
        (dict(KD, reduction='sum'), "base sets reduction='sum', which would have no effect"),
    ],
)
def test_base_that_cannot_be_wrapped(wrapper, base, message):
    with pytest.raises(ValueError, match=f'^{wrapper}: .*{message}'):
        MODELS.build(dict(type=f'mmlogitkd.{wrapper}', base=base))


@pytest.mark.parametrize('base', ['DISTLoss', 'MLKDLoss', 'StandardizedLoss-DISTLoss'])
def test_base_that_sdd_cannot_weigh_per_row(base):
    name = base.split('-')[0]
    with pytest.raises(ValueError, match=f'its base {name} has no value per row; use a per-row'):
        MODELS.build(dict(type='mmlogitkd.SDDLoss', base=LOSSES[base]))


@every_loss
@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda s, t: (s, t[:-1]), r'student logits .* and teacher logits .* differ in shape'),
        (lambda s, t: (s, t[:, :-1]), 'the same classes in the same order'),
        (lambda s, t: (s[..., None], t[..., None]), r'takes logits \(N, C'),
        (lambda s, t: (s[:, :0], t[:, :0]), r'takes logits \(N, C'),
        (lambda s, t: (s.long(), t), 'student logits are torch.int64; pass the floating-point'),
        (lambda s, t: (s, t.bool()), 'teacher logits are torch.bool; pass the floating-point'),
        (lambda s, t: (s, t.to('meta')), 'teacher logits on meta; move the teacher'),
    ],
)
def test_logits_that_do_not_fit(name, change, message):
    loss = build(name)
    student, teacher, target = batch(loss)
    with pytest.raises(ValueError, match=f'{type(loss).__name__}.*{message}'):
        loss(*change(student, teacher), target)


def test_region_logits_only_where_they_are_asked_for():
    plain, regions = build('KDLoss'), build('SDDLoss-KDLoss')
    with pytest.raises(ValueError, match='wrap the loss in SDDLoss'):
        plain(*batch(regions))
    with pytest.raises(ValueError, match='that pools the feature map: it reads `scales`'):
        regions(*batch(plain))


@pytest.mark.parametrize('name', ASKS_FOR_LABELS)
@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda y: None, r'needs the labels of the 4 rows as target \(N,\)'),
        (lambda y: y.int(), r'target must be int64 \(4,\), got torch.int32 .*target.long\(\)'),
        (lambda y: y[:-1], r'target must be int64 \(4,\), got torch.int64 \(3,\)'),
        (lambda y: y[:, None], r'target must be int64 \(4,\)'),
        (lambda y: y.double(), r'target is torch.float64 \(4,\); labels are int64'),
        (lambda y: y + 5, r'a label is outside 0..4 .*compare num_classes'),
        (lambda y: y - 5, 'a label is outside 0..4'),
        (lambda y: y.to('meta'), 'target is on meta, the logits on cpu'),
    ],
)
def test_labels_that_do_not_fit(name, change, message):
    loss = build(name)
    student, teacher, target = batch(loss)
    with pytest.raises(ValueError, match=message):
        loss(student, teacher, change(target))


@pytest.mark.parametrize('name', TAKES_NO_MIXTURE)
def test_soft_labels_where_the_formula_needs_one_class(name):
    loss = build(name)
    student, teacher, target = batch(loss)
    soft = 0.9 * torch.nn.functional.one_hot(target, 5).double() + 0.02
    with pytest.raises(ValueError, match=r'one class index per row.*loss without labels.*mix'):
        loss(student, teacher, soft)


@pytest.mark.parametrize('name', [name for name in LOSSES if name not in TAKES_NO_MIXTURE])
def test_soft_labels_elsewhere_count_by_their_largest_score(name):
    loss = build(name)
    student, teacher, target = batch(loss)
    soft = 0.6 * torch.nn.functional.one_hot(target, 5).double() + 0.08
    torch.testing.assert_close(loss(student, teacher, soft), loss(student, teacher, target))


def test_scores_outside_their_range():
    loss = build('SDDLoss-KDLoss')
    student, teacher, _ = batch(loss)
    with pytest.raises(ValueError, match='a label is outside'):
        loss(student, teacher, torch.full((4, 5), 2.0))


@pytest.mark.parametrize('name', [name for name in LOSSES if name not in ASKS_FOR_LABELS])
def test_labels_are_ignored_where_none_are_needed(name):
    loss = build(name)
    student, teacher, target = batch(loss)
    torch.testing.assert_close(loss(student, teacher, target + 100), loss(student, teacher))


@pytest.mark.parametrize('weight', [torch.ones(3), torch.ones(4, 1), torch.ones(4, device='meta')])
def test_weight_that_does_not_fit(weight):
    loss = build('KDLoss')
    student, teacher, _ = batch(loss)
    with pytest.raises(ValueError, match=r'weight must be \(4,\) on cpu, one per row'):
        loss(student, teacher, weight=weight)


@every_loss
@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_values_that_are_not_finite(name, value):
    loss = build(name)
    for who in range(2):
        logits = list(batch(loss))
        logits[who].view(-1)[3] = value
        with pytest.raises(ValueError, match=f'the {("student", "teacher")[who]} gave NaN or Inf'):
            loss(*logits)


@pytest.mark.parametrize(
    ('name', 'key'), [('LDRLDLoss', 'depth'), ('GDKDLoss', 'topk'), ('SDDLoss-LDRLDLoss', 'depth')]
)
def test_more_ranks_than_classes(name, key):
    base = dict(LOSSES[name].get('base', LOSSES[name]), **{key: 6})
    loss = MODELS.build(dict(LOSSES[name], base=base) if name.startswith('SDD') else base)
    with pytest.raises(ValueError, match=f'{key} 6 is larger than the 5 classes .*1..5'):
        loss(*batch(loss))


@pytest.mark.parametrize(
    'name', ['DKDLoss', 'NKDLoss', 'RLDLoss', 'SDDLoss-DKDLoss', 'StandardizedLoss-KDLoss']
)
def test_one_class_where_two_are_needed(name):
    loss = build(name)
    with pytest.raises(ValueError, match='at least 2 classes'):
        loss(*batch(loss, classes=1))


def test_base_class_leaves_the_formula_open():
    with pytest.raises(NotImplementedError):
        LogitLoss()(torch.zeros(1, 2), torch.zeros(1, 2))


def test_invalid_values_add_up():
    finite, broken = torch.zeros(2, 3), torch.tensor([[0.0, float('nan'), 0.0]] * 2)
    good, bad = torch.tensor([0, 2]), torch.tensor([0, 3])
    for bits, inputs in {
        0: (finite, finite, good),
        1: (broken, finite, None),
        2: (finite, broken, good),
        4: (finite, finite, bad),
        7: (broken, broken, bad),
    }.items():
        got = invalid_values(*inputs)
        assert got.shape == ()
        assert not got.is_floating_point()
        assert got == bits


def test_explanation_names_every_fault_and_nothing_else():
    assert explain_values('loss_kd', 0, 10) == ''
    assert 'student' not in explain_values('loss_kd', 6, 10)
    message = explain_values('loss_kd', 7, 10)
    assert message.startswith('loss_kd: ')
    assert all(part in message for part in ('student', 'teacher', '0..9'))


def test_instances_can_be_wrapped_too():
    loss = MODELS.build(dict(type='mmlogitkd.SDDLoss', base=KDLoss(temperature=2.0)))
    assert loss.base.temperature == 2.0
