"""Every loss as a config, and batches of logits for it."""

import torch

from mmlogitkd.registry import MODELS

SMALL = {
    'KDLoss': {},
    'DKDLoss': {},
    'NKDLoss': {},
    'DISTLoss': {},
    'LDRLDLoss': dict(depth=2),
    'LumiNetLoss': {},
    'TTMLoss': {},
    'WTTMLoss': {},
    'RLDLoss': {},
    'GDKDLoss': dict(topk=2),
    'MLKDLoss': {},
    'BinaryKDLoss': {},
}
LOSSES = {name: dict(type=f'mmlogitkd.{name}', **args) for name, args in SMALL.items()}
for wrapper, bases in {
    'SDDLoss': ('KDLoss', 'DKDLoss', 'LDRLDLoss', 'LumiNetLoss'),
    'StandardizedLoss': ('KDLoss', 'DKDLoss', 'DISTLoss'),
}.items():
    for base in bases:
        LOSSES[f'{wrapper}-{base}'] = dict(type=f'mmlogitkd.{wrapper}', base=LOSSES[base])


def innermost(name):
    return name.split('-')[-1]


PER_ROW = [name for name in LOSSES if innermost(name) not in ('DISTLoss', 'MLKDLoss')]
COUPLED = [name for name in LOSSES if name not in PER_ROW]
# The losses that are 0 for a student equal to its teacher, and positive else.
NO_DIVERGENCE = ('NKDLoss', 'DISTLoss', 'TTMLoss', 'WTTMLoss', 'RLDLoss')
DIVERGENCES = [name for name in LOSSES if innermost(name) not in NO_DIVERGENCE]
REGIONS = 5


def build(name, **overrides):
    return MODELS.build(dict(LOSSES[name], **overrides))


def batch(loss, rows=4, classes=5, dtype=torch.float64, scale=1.0, seed=0):
    """Student and teacher logits of the shape that the loss takes, and labels."""
    generator = torch.Generator().manual_seed(seed)
    shape = (rows, classes) if loss.scales is None else (rows, classes, REGIONS)
    student, teacher = (
        (scale * torch.randn(shape, generator=generator, dtype=torch.float64)).to(dtype)
        for _ in range(2)
    )
    return student, teacher, torch.randint(classes, (rows,), generator=generator)


def value_and_gradient(loss, student, *args, **kwargs):
    student = student.detach().clone().requires_grad_()
    value = loss(student, *args, **kwargs)
    (gradient,) = torch.autograd.grad(value.sum(), student)
    return value.detach(), gradient
