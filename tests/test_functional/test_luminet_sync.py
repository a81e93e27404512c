"""LumiNet's statistics over two processes equal those of one process with all rows.

Run as a script, the file is one of the two processes.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from mmlogitkd.functional import luminet_loss

CLASSES = 5
# rows of the two ranks: unequal, and one rank without any
SPLITS = [(5, 3), (4, 0), (1, 1)]


def batch(rows):
    generator = torch.Generator().manual_seed(rows)
    student, teacher = torch.randn(2, rows, CLASSES, generator=generator, dtype=torch.float64)
    return student, 3 * teacher, torch.rand(rows, generator=generator) > 0.3


def value_and_gradient(student, teacher, mask):
    student = student.clone().requires_grad_()
    rows = luminet_loss(student, teacher, mask=mask, sync_stats=True)
    (gradient,) = torch.autograd.grad(rows.sum(), student)
    return rows.detach(), gradient


def work(rank, store, out):
    dist.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=2)
    results = []
    for split in SPLITS:
        student, teacher, mask = (x.split(split)[rank] for x in batch(sum(split)))
        results += [value_and_gradient(student, teacher, m) for m in (None, mask)]
    torch.save(results, out)
    dist.destroy_process_group()


def test_two_processes_equal_one(tmp_path):
    outs = [tmp_path / f'{rank}.pt' for rank in range(2)]
    workers = [
        subprocess.Popen(
            [sys.executable, '-m', __spec__.name, str(rank), str(tmp_path / 'store'), str(out)],
            cwd=Path(__file__).parents[2],
            stderr=subprocess.PIPE,
        )
        for rank, out in enumerate(outs)
    ]
    for worker in workers:
        _, errors = worker.communicate(timeout=120)
        assert worker.returncode == 0, errors.decode()
    got = [torch.load(out) for out in outs]
    index = 0
    for split in SPLITS:
        student, teacher, mask = batch(sum(split))
        for m in (None, mask):
            parts = [torch.cat(pair) for pair in zip(*(ranks[index] for ranks in got), strict=True)]
            expected = value_and_gradient(student, teacher, m)
            torch.testing.assert_close(parts, list(expected), rtol=1e-9, atol=1e-11)
            index += 1


@pytest.mark.parametrize('sync', [True, False])
def test_without_processes_nothing_is_synchronised(sync):
    student, teacher, _ = batch(6)
    torch.testing.assert_close(
        luminet_loss(student, teacher, sync_stats=sync), luminet_loss(student, teacher)
    )


if __name__ == '__main__':
    work(int(sys.argv[1]), *sys.argv[2:])
