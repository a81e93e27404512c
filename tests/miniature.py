"""A few generated images in the official layouts of the literature's image sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ['write_cub', 'write_tiny_imagenet']

CUB_CLASSES = ('001.Black_footed_Albatross', '200.Common_Yellowthroat')
# the first line of the official wnids.txt is not the first in the order of names
WNIDS = ('n02124075', 'n04067472', 'n01443537')


def image(seed: int, width: int, height: int) -> Image.Image:
    """Noise in RGB."""
    pixels = np.random.RandomState(seed).randint(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def write_cub(root: Path, train: int = 2, test: int = 2) -> None:
    """Write ``train`` and ``test`` images, of several shapes and two of the 200 classes."""
    total = train + test
    names = []
    for index in range(total):
        folder = CUB_CLASSES[index % 2]
        names.append(f'{folder}/bird_{index}.jpg')
        path = root / 'images' / names[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        image(index, *[(300, 260), (240, 320)][index % 2]).save(path)
    # ids count from 1; a class is its folder's number
    table = {
        'images': names,
        'image_class_labels': [int(name[:3]) for name in names],
        'train_test_split': [int(index < train) for index in range(total)],
    }
    for name, values in table.items():
        lines = [f'{index} {value}\n' for index, value in enumerate(values, start=1)]
        (root / f'{name}.txt').write_text(''.join(lines))


def write_tiny_imagenet(root: Path, train: int = 2, test: int = 3) -> None:
    """Write ``train`` images of each of three classes and ``test`` validation images."""
    for number, wnid in enumerate(WNIDS):
        folder = root / 'train' / wnid
        (folder / 'images').mkdir(parents=True)
        names = [f'{wnid}_{index}.JPEG' for index in range(train)]
        for index, name in enumerate(names):
            image(10 * number + index, 64, 64).save(folder / 'images' / name)
        boxes = [f'{name}\t0\t0\t62\t62\n' for name in names]
        (folder / f'{wnid}_boxes.txt').write_text(''.join(boxes))
    (root / 'val' / 'images').mkdir(parents=True)
    lines = []
    for index in range(test):
        image(100 + index, 64, 64).save(root / 'val' / 'images' / f'val_{index}.JPEG')
        lines.append(f'val_{index}.JPEG\t{WNIDS[index % 3]}\t0\t0\t62\t62\n')
    (root / 'val' / 'val_annotations.txt').write_text(''.join(lines))
    (root / 'wnids.txt').write_text(''.join(f'{wnid}\n' for wnid in WNIDS))
    (root / 'words.txt').write_text(''.join(f'{wnid}\tsome, words\n' for wnid in WNIDS))
