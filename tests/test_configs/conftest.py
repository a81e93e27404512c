"""MMEngine reads every metafile of a package anew for each ``package::`` base: once will do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from mmengine.fileio import load


@pytest.fixture(scope='session', autouse=True)
def metafiles_are_read_once() -> Iterator[None]:
    """Spare the configs' parsing most of its time."""
    patch = pytest.MonkeyPatch()
    patch.setattr('mmengine.config.utils.load', cache(load))
    yield
    patch.undo()
