"""Rows of class maps by index."""

import torch

from mmlogitkd.logits.dense_rows import rows_at, rows_of_maps

CHANNELS, PRIORS = 5, 3


def maps() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(2, PRIORS * CHANNELS, *size, generator=generator, requires_grad=True)
        for size in ((4, 6), (2, 3), (1, 1))
    ]


def test_rows_by_index_are_those_of_all_rows_in_value_and_gradient() -> None:
    levels = maps()
    every = rows_of_maps(levels, CHANNELS).flatten(0, 1)
    assert torch.equal(rows_at(levels, CHANNELS, None), every)
    index = torch.randperm(len(every), generator=torch.Generator().manual_seed(1))[:50]
    some = rows_at(levels, CHANNELS, index)
    assert torch.equal(some, every[index])
    theirs = torch.autograd.grad(every[index].square().sum(), levels)
    ours = torch.autograd.grad(some.square().sum(), levels)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_no_rows_and_values_that_are_no_numbers_elsewhere() -> None:
    levels = maps()
    nothing = rows_at(levels, CHANNELS, torch.zeros(0, dtype=torch.long))
    assert nothing.shape == (0, CHANNELS)
    last = rows_of_maps(levels, CHANNELS).size(1) - 1  # of the first image: in the last level
    with torch.no_grad():
        levels[0].fill_(torch.nan)
    row = rows_at(levels, CHANNELS, torch.tensor([last]))
    assert row.isfinite().all()
    assert all(g.isfinite().all() for g in torch.autograd.grad(row.sum(), levels))
