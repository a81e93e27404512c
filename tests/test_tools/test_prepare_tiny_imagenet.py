from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.miniature import WNIDS, write_tiny_imagenet
from tools.prepare_tiny_imagenet import main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / 'tiny-imagenet-200'
    write_tiny_imagenet(root)
    return root


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob('*') if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_writes_the_labels_and_touches_nothing_else(root: Path, capsys) -> None:
    before = contents(root)
    assert main([str(root)]) == 0
    after = contents(root)
    written = after.pop('val.txt').decode()
    assert after == before
    places = [sorted(WNIDS).index(wnid) for wnid in WNIDS]
    assert places == [1, 2, 0]
    assert written.splitlines() == ['val_0.JPEG 1', 'val_1.JPEG 2', 'val_2.JPEG 0']
    assert capsys.readouterr().out.endswith('val.txt: 3 images\n')
    assert main([str(root)]) == 0  # a second time changes nothing
    assert contents(root) == before | {'val.txt': written.encode()}


def without_class(root: Path) -> None:
    (root / 'wnids.txt').write_text('n02124075\nn04067472\n')


def without_image(root: Path) -> None:
    (root / 'val' / 'images' / 'val_1.JPEG').unlink()


def with_stranger(root: Path) -> None:
    table = root / 'val' / 'val_annotations.txt'
    table.write_text(table.read_text().replace('n01443537', 'n99999999'))


def without_annotations(root: Path) -> None:
    (root / 'val' / 'val_annotations.txt').unlink()


def without_tabs(root: Path) -> None:
    table = root / 'val' / 'val_annotations.txt'
    table.write_text(table.read_text().replace('\t', ' '))


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (without_tabs, r"with a tab between; not so: \['val_0.JPEG n"),
        (without_class, r"train/ has 3 classes, wnids.txt names 2; .*'n01443537'"),
        (without_image, r"has 2 files, val_annotations.txt names 3; .*'val_1.JPEG'"),
        (with_stranger, r"classes that train/ lacks: \['n99999999'\]"),
        (without_annotations, 'has no val/val_annotations.txt: give the folder tiny-'),
    ],
)
def test_a_damaged_archive_is_refused(
    root: Path, capsys, damage: Callable[[Path], None], message: str
) -> None:
    damage(root)
    assert main([str(root)]) == 1
    assert re.search(message, capsys.readouterr().err)
    assert not (root / 'val.txt').exists()
