"""Batches of float64 logits."""

import pytest
import torch


@pytest.fixture
def batch():
    """Give student and teacher logits (..., N, C) and labels (N,)."""

    def make(*shape, scale=2.0, seed=0):
        generator = torch.Generator().manual_seed(seed)
        student, teacher = (
            scale * torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2)
        )
        return student, teacher, torch.randint(shape[-1], (shape[-2],), generator=generator)

    return make
