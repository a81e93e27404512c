"""Every formula against loops over rows and classes, in Python's own arithmetic.

The oracles follow the papers' notation literally and share no line with the package.
"""

import math
from itertools import chain

import pytest
import torch

import mmlogitkd.functional as functional


def softmax(logits, temperature=1.0):
    powers = [math.exp(z / temperature) for z in logits]
    return [power / sum(powers) for power in powers]


def kl(p, q):
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def normalised(p):
    return [a / sum(p) for a in p]


def without(p, y):
    return [a for c, a in enumerate(p) if c != y]


def kd(s, t, y, temperature):
    return temperature**2 * kl(softmax(t, temperature), softmax(s, temperature))


def dkd(s, t, y, alpha, beta, temperature):
    p, q = softmax(t, temperature), softmax(s, temperature)
    tckd = kl([p[y], 1 - p[y]], [q[y], 1 - q[y]])
    nckd = kl(normalised(without(p, y)), normalised(without(q, y)))
    return temperature**2 * (alpha * tckd + beta * nckd)


def nkd(s, t, y, gamma, temperature):
    value = -softmax(t)[y] * math.log(softmax(s)[y])
    n_t = normalised(without(softmax(t, temperature), y))
    n_s = normalised(without(softmax(s, temperature), y))
    others = sum(a * math.log(b) for a, b in zip(n_t, n_s, strict=True))
    return value - gamma * temperature**2 * others


def ldrld(s, t, y, depth, alpha, beta, temperature, eps, delta, decay, average_pairs):
    ranking = sorted(range(len(s)), key=lambda c: -s[c])
    top, rest = ranking[:depth], ranking[depth:]

    def subset(classes):
        return kl(
            softmax([t[c] for c in classes], temperature),
            softmax([s[c] for c in classes], temperature),
        )

    local = subset(top)
    for i in range(1, depth + 1):
        for j in range(i + 1, depth + 1):
            weight = 1 / (eps + abs(i - j)) * delta * math.exp(-decay * (i + j))
            local += weight * subset([top[i - 1], top[j - 1]])
    if average_pairs:
        local /= depth * (depth - 1) / 2 + 1
    remaining = subset(rest) if rest else 0.0
    return temperature**2 * (alpha * local + beta * remaining)


def ttm(s, t, y, gamma):
    return kl(normalised([p**gamma for p in softmax(t)]), softmax(s))


def wttm(s, t, y, gamma):
    return sum(p**gamma for p in softmax(t)) * ttm(s, t, y, gamma)


def rld(s, t, y, alpha, beta, temperature, alpha_temperature):
    high, own = max(softmax(t, alpha_temperature)), softmax(s, alpha_temperature)[y]
    confidence = alpha_temperature**2 * kl([high, 1 - high], [own, 1 - own])
    below = [c for c in range(len(t)) if t[c] < t[y]]
    masked = 0.0
    if below:
        masked = temperature**2 * kl(
            softmax([t[c] for c in below], temperature), softmax([s[c] for c in below], temperature)
        )
    return alpha * confidence + beta * masked


def gdkd(s, t, y, topk, w0, w1, w2, temperature):
    ranking = sorted(range(len(t)), key=lambda c: -t[c])
    p, q = softmax(t, temperature), softmax(s, temperature)
    parts = [part for part in (ranking[:topk], ranking[topk:]) if part]
    mass = kl(*([sum(x[c] for c in part) for part in parts] for x in (p, q)))
    inside = [kl(*(normalised([x[c] for c in part]) for x in (p, q))) for part in parts]
    weighted = sum(w * value for w, value in zip((w1, w2), inside, strict=False))
    return temperature**2 * (w0 * mass + weighted)


def binary_kd(s, t, y, beta):
    value = 0.0
    for a, b in zip(s, t, strict=True):
        q, p = 1 / (1 + math.exp(-a)), 1 / (1 + math.exp(-b))
        value += abs(p - q) ** beta * -(p * math.log(q) + (1 - p) * math.log(1 - q))
    return value


PER_ROW = [
    ('kd_loss', kd, dict(temperature=3.0)),
    ('dkd_loss', dkd, dict(alpha=0.7, beta=3.0, temperature=2.0)),
    ('nkd_loss', nkd, dict(gamma=1.5, temperature=2.0)),
    *(
        (
            'ldrld_loss',
            ldrld,
            dict(
                depth=depth,
                alpha=2.0,
                beta=3.0,
                temperature=2.0,
                eps=1.5,
                delta=2.0,
                decay=0.05,
                average_pairs=average,
            ),
        )
        for depth in (1, 2, 4, 6)
        for average in (True, False)
    ),
    ('ttm_loss', ttm, dict(gamma=0.3)),
    ('wttm_loss', wttm, dict(gamma=0.3)),
    ('rld_loss', rld, dict(alpha=0.7, beta=3.0, temperature=2.0, alpha_temperature=1.5)),
    *(
        ('gdkd_loss', gdkd, dict(topk=k, w0=0.7, w1=2.0, w2=3.0, temperature=2.0))
        for k in (1, 3, 5, 6)
    ),
    *(('binary_kd_loss', binary_kd, dict(beta=beta)) for beta in (0.0, 1.0, 2.0)),
]
LABELLED = ('dkd_loss', 'nkd_loss', 'rld_loss')


@pytest.mark.parametrize(('name', 'oracle', 'arguments'), PER_ROW)
@pytest.mark.parametrize('shape', [(7, 6), (2, 3, 6)])
def test_per_row(batch, name, oracle, arguments, shape):
    student, teacher, target = batch(*shape)
    labels = (target,) if name in LABELLED else ()
    got = getattr(functional, name)(student, teacher, *labels, **arguments)
    assert got.shape == shape[:-1]
    rows = zip(
        student.reshape(-1, 6).tolist(),
        teacher.reshape(-1, 6).tolist(),
        target.expand(shape[:-1]).flatten().tolist(),
        strict=True,
    )
    expected = [oracle(s, t, y, **arguments) for s, t, y in rows]
    torch.testing.assert_close(got.flatten(), torch.tensor(expected, dtype=torch.float64))


def perceive(rows, eps):
    columns = []
    for column in zip(*rows, strict=True):
        mean = sum(column) / len(column)
        variance = sum((z - mean) ** 2 for z in column) / len(column)
        columns.append([(z - mean) / math.sqrt(variance + eps) for z in column])
    return list(zip(*columns, strict=True))


def test_luminet(batch):
    student, teacher, _ = batch(7, 6)
    got = functional.luminet_loss(student, teacher, alpha=3.0, temperature=2.0, eps=0.1)
    expected = [
        9.0 * kl(softmax(t, 2.0), softmax(s, 2.0))
        for s, t in zip(*(perceive(x.tolist(), 0.1) for x in (student, teacher)), strict=True)
    ]
    torch.testing.assert_close(got, torch.tensor(expected, dtype=torch.float64))


def pearson(x, y):
    x, y = ([v - sum(z) / len(z) for v in z] for z in (x, y))
    norms = math.sqrt(sum(v * v for v in x)) * math.sqrt(sum(v * v for v in y))
    return sum(a * b for a, b in zip(x, y, strict=True)) / (norms + 1e-8)


def test_dist(batch):
    student, teacher, _ = batch(7, 6)
    got = functional.dist_loss(student, teacher, beta=0.7, gamma=2.0, temperature=3.0)
    p, q = ([softmax(row, 3.0) for row in x.tolist()] for x in (teacher, student))
    rows = [pearson(a, b) for a, b in zip(q, p, strict=True)]
    by_class = (zip(*x, strict=True) for x in (q, p))
    columns = [pearson(a, b) for a, b in zip(*by_class, strict=True)]
    expected = 9.0 * (0.7 * (1 - sum(rows) / 7) + 2.0 * (1 - sum(columns) / 6))
    assert got.item() == pytest.approx(expected, rel=1e-12)


def gram(p, rows):
    if rows:
        return [[sum(a * b for a, b in zip(x, y, strict=True)) for y in p] for x in p]
    return gram(list(zip(*p, strict=True)), True)


def square_distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(chain(*a), chain(*b), strict=True))


def test_mlkd(batch):
    student, teacher, _ = batch(7, 6)
    got = functional.mlkd_loss(student, teacher, temperatures=(2.0, 5.0))
    expected = 0.0
    for temperature in (2.0, 5.0):
        p, q = ([softmax(row, temperature) for row in x.tolist()] for x in (teacher, student))
        expected += temperature**2 * sum(map(kl, p, q)) / 7
        expected += square_distance(gram(q, True), gram(p, True)) / 7
        expected += square_distance(gram(q, False), gram(p, False)) / 6
    assert got.item() == pytest.approx(expected, rel=1e-12)


def test_standardize(batch):
    student, _, _ = batch(7, 6)
    standardized = functional.standardize(student, 0.1).tolist()
    for row, got in zip(student.tolist(), standardized, strict=True):
        mean = sum(row) / 6
        std = math.sqrt(sum((z - mean) ** 2 for z in row) / 5)
        assert got == pytest.approx([(z - mean) / (std + 0.1) for z in row], rel=1e-12)


@pytest.mark.parametrize('beta', [0.0, 1.0, 2.0])
def test_sdd(batch, beta):
    _, teacher, target = batch(5, 7, 3)
    rows = torch.rand(5, 7, dtype=torch.float64)
    got = functional.sdd_loss(rows, teacher, target, beta)
    for n in range(7):
        right = [max(range(3), key=lambda c: cell[n, c].item()) == target[n] for cell in teacher]
        weights = [1.0 if answer == right[0] else beta for answer in right]
        mean = sum(w * v for w, v in zip(weights, rows[:, n].tolist(), strict=True)) / 5
        assert got[n].item() == pytest.approx(mean, rel=1e-12)
    assert {True, False} == set((teacher.argmax(-1) == target).flatten().tolist())
