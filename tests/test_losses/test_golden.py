"""Every loss against values and gradients of its authors' code (tests/data/README.md).

Run as a script, it prints the relative error of every case: `python test_golden.py [FILE]`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import mmlogitkd.losses as losses

GOLDEN = Path(__file__).parents[1] / 'data' / 'golden.npz'
TOLERANCE = 1e-9


class AuthorsNKD(losses.LogitLoss):
    """NKD as SDD's authors run it: the label's class stays among the others."""

    needs_target = True

    def __init__(self, gamma, temperature):
        super().__init__()
        self.gamma, self.temperature = gamma, temperature

    def compute(self, student, teacher, target, weight):
        label = target.expand(student.shape[:-1]).unsqueeze(-1)
        own = teacher.softmax(-1).gather(-1, label) * student.log_softmax(-1).gather(-1, label)
        target_term = own.squeeze(-1)
        log_student = (student / self.temperature).log_softmax(-1)
        others = ((teacher / self.temperature).softmax(-1) * log_student).sum(-1)
        return -target_term - self.gamma * self.temperature**2 * others


def kd(hyper):
    return losses.KDLoss(hyper['T'])


def dkd(hyper):
    return losses.DKDLoss(hyper['alpha'], hyper['beta'], hyper['T'])


BUILD = {
    'kd': kd,
    'dkd': dkd,
    'nkd': lambda h: losses.NKDLoss(h['gamma'], h['temp']),
    'dist': lambda h: losses.DISTLoss(h['beta'], h['gamma'], h['tau']),
    'ldrld': lambda h: losses.LDRLDLoss(h['k'], h['alpha'], h['beta'], h['T']),
    'luminet': lambda h: losses.LumiNetLoss(h['alpha'], h['T']),
    'ttm': lambda h: losses.TTMLoss(h['gamma']),
    'wttm': lambda h: losses.WTTMLoss(h['gamma']),
    'rld': lambda h: losses.RLDLoss(h['alpha'], h['beta'], h['T'], h['alpha_T']),
    'gdkd': lambda h: losses.GDKDLoss(h['k'], h['w0'], h['w1'], h['w2'], h['T']),
    'lskd_kd': lambda h: losses.StandardizedLoss(kd(h)),
    'lskd_dkd': lambda h: losses.StandardizedLoss(dkd(h)),
    'sdd_kd': lambda h: losses.SDDLoss(kd(h)),
    'sdd_dkd': lambda h: losses.SDDLoss(dkd(h)),
    'sdd_nkd_authors_mask': lambda h: losses.SDDLoss(AuthorsNKD(h['gamma'], h['temp'])),
}


def load(path=GOLDEN):
    with np.load(path) as arrays:
        for case in json.loads(str(arrays['meta'])):
            yield case, {key: arrays[f'{case["id"]}/{key}'] for key in ('s', 't', 'y', 'grad')}


def relative_errors(case, arrays):
    """The error of the value, and the gradient's largest error over its largest entry."""
    student = torch.from_numpy(arrays['s']).requires_grad_()
    teacher, target = torch.from_numpy(arrays['t']), torch.from_numpy(arrays['y'])
    loss = BUILD[case['method']](case['hyper'])(student, teacher, target)
    loss.backward()
    value = abs(loss.item() - case['loss']) / abs(case['loss'])
    gradient = np.abs(student.grad.numpy() - arrays['grad']).max() / np.abs(arrays['grad']).max()
    return value, gradient


CASES = list(load())


@pytest.mark.parametrize(
    ('case', 'arrays'), CASES, ids=[f'{case["method"]}-{case["id"]}' for case, _ in CASES]
)
def test_golden(case, arrays):
    value, gradient = relative_errors(case, arrays)
    assert value < TOLERANCE
    assert gradient < TOLERANCE


def test_every_method_has_a_case():
    assert {case['method'] for case, _ in CASES} == set(BUILD)


if __name__ == '__main__':
    worst = (0.0, 0.0)
    for case, arrays in load(*sys.argv[1:2]):
        errors = relative_errors(case, arrays)
        worst = tuple(map(max, worst, errors))
        shape = 'x'.join(map(str, arrays['s'].shape))
        print(f'{case["method"]:>20} {shape:>9}  value {errors[0]:.1e}  gradient {errors[1]:.1e}')
    print(f'worst relative error: value {worst[0]:.1e}, gradient {worst[1]:.1e}')
