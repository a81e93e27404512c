"""What is stored of a row, and what is rebuilt."""

from __future__ import annotations

import pytest
import torch

from mmlogitkd.offline import RowFormat


def logits(n: int = 4, r: int = 1, c: int = 12) -> torch.Tensor:
    return 5 * torch.randn(n, r, c, generator=torch.Generator().manual_seed(0))


def stored(rows: RowFormat, values: torch.Tensor) -> torch.Tensor:
    return rows.unpack(rows.pack(values, range(len(values))))


def test_float32_is_exact_and_float16_rounds() -> None:
    values = logits()
    assert torch.equal(stored(RowFormat(12, 'float32'), values), values)
    rounded = stored(RowFormat(12), values)
    assert rounded.dtype == torch.float32
    assert torch.equal(rounded, values.half().float())


def test_records_have_no_gaps() -> None:
    assert RowFormat(100).record.itemsize == 4 + 200
    assert RowFormat(100, scales=(1, 2, 4)).record.itemsize == 4 + 21 * 200
    assert RowFormat(1000, topk=8).record.itemsize == 4 + 8 * 2 + 8 * 2 + 4
    assert RowFormat(40000, topk=8).record.itemsize == 4 + 8 * 2 + 8 * 4 + 4


@pytest.mark.parametrize('topk', [1, 5, 11])
def test_topk_keeps_the_largest_and_the_mass_of_the_rest(topk: int) -> None:
    values = logits(r=5)
    rebuilt = stored(RowFormat(12, 'float32', topk=topk, scales=(1, 2)), values)
    expected, found = values.softmax(2), rebuilt.softmax(2)
    top = values.topk(topk, dim=2).indices
    torch.testing.assert_close(found.gather(2, top), expected.gather(2, top))
    assert torch.equal(rebuilt.gather(2, top), values.gather(2, top))
    rest = torch.ones_like(found).scatter_(2, top, 0).bool()
    others = found[rest].view(4, 5, 12 - topk)
    torch.testing.assert_close(others, others[:, :, :1].expand_as(others))


def test_many_classes_have_wider_indices() -> None:
    values = torch.zeros(1, 1, 40000)
    values[0, 0, 39999] = 3
    rebuilt = stored(RowFormat(40000, topk=1), values)
    assert rebuilt[0, 0].argmax() == 39999


@pytest.mark.parametrize('bad', [float('nan'), float('inf'), 7e4])
def test_what_float16_does_not_hold_is_an_error(bad: float) -> None:
    values = logits()
    values[2, 0, 3] = bad
    with pytest.raises(ValueError, match=r'65504.*--dtype float32'):
        RowFormat(12).pack(values, range(4))
    if bad == 7e4:
        assert stored(RowFormat(12, 'float32'), values)[2, 0, 3] == 7e4


def test_any_of_the_stored_grids_can_be_asked_for() -> None:
    rows = RowFormat(5, scales=(1, 2, 4))
    assert rows.regions == 21
    assert rows.columns((1, 2, 4), nested=False) == list(range(21))
    assert rows.columns((1, 2), nested=False) == [0, 1, 2, 3, 4]
    assert rows.columns((1, 4), nested=False) == [0, *range(5, 21)]


def test_nested_grids_belong_together() -> None:
    rows = RowFormat(5, scales=(1, 2), nested=True)
    assert rows.regions == 6  # the pooled global cell is not the model's own logits
    assert rows.columns((1, 2), nested=True) == [1, 2, 3, 4, 5]
    for scales, nested in (((1,), True), ((1, 2), False)):
        with pytest.raises(ValueError, match=r'the cache holds scales=\(1, 2\), pooled nested'):
            rows.columns(scales, nested)


def test_other_scales_are_an_error_that_names_both() -> None:
    with pytest.raises(ValueError, match=r'scales=\(1, 3\).*scales=\(1, 2\).*--scales 1 2 3'):
        RowFormat(5, scales=(1, 2)).columns((1, 3), nested=False)
    with pytest.raises(ValueError, match='holds no regions'):
        RowFormat(5).columns((1, 2), nested=False)


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        (dict(dtype='float8'), "dtype='float8'"),
        (dict(topk=0), '1 to 11'),
        (dict(topk=12), 'leave it out'),
        (dict(scales=(2, 4)), 'begin with 1'),
        (dict(scales=(1, 4, 2)), 'growing'),
    ],
)
def test_bad_arguments_are_refused(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RowFormat(12, **values)
