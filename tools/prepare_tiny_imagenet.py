"""Write the one file that Tiny-ImageNet's official archive lacks: the labels of its validation set.

mmpretrain's CustomDataset reads train/ as it is, a class per folder, numbered in the order of the
sorted names. The validation images lie in one folder; val/val_annotations.txt names their classes.
This writes val.txt beside them, a line `val_0.JPEG 107` per image, and changes nothing else.

Example:
    python tools/prepare_tiny_imagenet.py data/tiny-imagenet-200
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

OUTPUT = 'val.txt'


def validation_labels(root: Path) -> list[str]:
    """Return the lines of the annotation file, in the order of val_annotations.txt.

    Args:
        root: The unpacked archive, ``tiny-imagenet-200``.

    Raises:
        ValueError: If a part of the archive is missing or its parts contradict each other.
    """
    for part in ('train', 'val/images', 'wnids.txt', 'val/val_annotations.txt'):
        if not (root / part).exists():
            raise ValueError(
                f"'{root}' has no {part}: give the folder tiny-imagenet-200 that the archive "
                'unpacks to, complete'
            )
    classes = sorted(folder.name for folder in (root / 'train').iterdir() if folder.is_dir())
    listed = (root / 'wnids.txt').read_text(encoding='utf-8').split()
    if classes != sorted(listed):
        raise ValueError(
            f'train/ has {len(classes)} classes, wnids.txt names {len(listed)}; only in one: '
            f'{sorted(set(classes) ^ set(listed))[:5]}'
        )
    label = {name: index for index, name in enumerate(classes)}
    images = {path.name for path in (root / 'val' / 'images').iterdir()}
    table = (root / 'val' / 'val_annotations.txt').read_text(encoding='utf-8').splitlines()
    rows = [line.split('\t')[:2] for line in table if line]
    if wrong := [row[0] for row in rows if len(row) < 2]:
        raise ValueError(
            'val_annotations.txt must have a name and a class in every line, with a tab between; '
            f'not so: {wrong[:5]}'
        )
    names = [row[0] for row in rows]
    if sorted(names) != sorted(images):
        raise ValueError(
            f'val/images has {len(images)} files, val_annotations.txt names {len(names)}; only in '
            f'one: {sorted(set(names) ^ images)[:5]}'
        )
    if unknown := sorted({row[-1] for row in rows} - set(classes)):
        raise ValueError(f'val_annotations.txt has classes that train/ lacks: {unknown[:5]}')
    return [f'{name} {label[wnid]}' for name, wnid in rows]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; return the exit status."""
    parser = argparse.ArgumentParser(description='Write the labels of the validation images')
    parser.add_argument(
        'root',
        type=Path,
        nargs='?',
        default=Path('data/tiny-imagenet-200'),
        help='the unpacked archive (data/tiny-imagenet-200)',
    )
    root = parser.parse_args(arguments).root
    try:
        lines = validation_labels(root)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    (root / OUTPUT).write_text('\n'.join(lines) + '\n', encoding='utf-8')
    print(f'{root / OUTPUT}: {len(lines)} images')
    return 0


if __name__ == '__main__':
    sys.exit(main())
