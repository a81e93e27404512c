"""A generated detection set in COCO's format: striped shapes that are confusable in groups."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .drawing import SHAPES, along, coverage

__all__ = ['CLASSES', 'draw_scene', 'write_shape_scenes']

_STRIPES = (0, 45, 90, 135)
_OUTLINES = ('disc', 'square', 'triangle')
_SPREAD = 10.8  # degrees: one standard deviation of the stripes' direction within a class
_ATTEMPTS = 40  # at finding room for one more object
_INK = 0.5  # coverage from which a pixel belongs to the object's box
CLASSES = tuple(f'{angle}_{outline}' for angle in _STRIPES for outline in _OUTLINES)


def write_shape_scenes(
    folder: str | Path,
    num_train: int = 800,
    num_val: int = 300,
    image_size: int = 128,
    seed: int = 0,
) -> Path:
    """Write the set as ``train/*.png``, ``val/*.png`` and ``annotations/instances_*.json``.

    What is there already with the same arguments is kept. The same arguments give the same bytes;
    a smaller set is the beginning of a larger one.

    Args:
        folder: Where to write; made if missing, replaced if it holds a set of other arguments.
        num_train: Number of training images.
        num_val: Number of validation images, from an independent stream of the same seed.
        image_size: Height and width in pixels, at least 64.
        seed: Seed of the images, at least 0.

    Returns:
        ``folder``.

    Raises:
        ValueError: An argument is out of its range, or the folder holds something else.
    """
    arguments = dict(num_train=num_train, num_val=num_val, image_size=image_size, seed=seed)
    least = dict(num_train=1, num_val=1, image_size=64, seed=0)
    for name, value in arguments.items():
        if value < least[name]:
            raise ValueError(f'{name} must be at least {least[name]}, got {value}')
    folder = Path(folder)
    stamp = folder / 'shape_scenes.json'
    if stamp.is_file():
        if json.loads(stamp.read_text(encoding='utf-8')) == arguments:
            return folder
    elif folder.exists() and any(folder.iterdir()):
        raise ValueError(f"'{folder}' holds something else; name an empty or a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f'.{folder.name}-') as scratch:
        made = Path(scratch) / 'set'
        for stream, (split, count) in enumerate((('train', num_train), ('val', num_val))):
            _write_split(made, split, count, image_size, [seed, stream])
        (made / stamp.name).write_text(json.dumps(arguments), encoding='utf-8')
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(made, folder)  # in one move: a set is there in full or not at all
    return folder


def _write_split(folder: Path, split: str, count: int, size: int, seed: list[int]) -> None:
    """Write the images and the annotation file of one split."""
    (folder / split).mkdir(parents=True)
    (folder / 'annotations').mkdir(exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(count):
        scene, boxes, labels = draw_scene(size, np.random.default_rng([*seed, index]))
        name = f'{index:06d}.png'
        cv2.imwrite(str(folder / split / name), scene[..., ::-1])
        images.append(dict(id=index + 1, file_name=name, width=size, height=size))
        for (x0, y0, x1, y1), label in zip(boxes.tolist(), labels.tolist(), strict=True):
            width, height = x1 - x0, y1 - y0
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=index + 1,
                    category_id=label + 1,
                    bbox=[x0, y0, width, height],
                    area=width * height,
                    iscrowd=0,
                )
            )
    categories = [dict(id=i + 1, name=name) for i, name in enumerate(CLASSES)]
    content = dict(images=images, annotations=annotations, categories=categories)
    path = folder / 'annotations' / f'instances_{split}.json'
    path.write_text(json.dumps(content), encoding='utf-8')


def draw_scene(size: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw one image.

    One to six objects, 20 to 48 pixels across in an image of 128, apart or touching, on waves.
    The class is the direction of the stripes and the outline. Directions spread so that
    neighbours overlap: for about 4 % of the objects another direction is nearer, which bounds
    what any detector can reach. Position, size, turn, colours, waves and noise mean nothing.

    Args:
        size: Height and width S in pixels.
        random: Source of everything.

    Returns:
        The RGB image (S, S, 3), uint8; boxes (M, 4) as left, top, right, bottom in whole pixels,
        right and bottom exclusive; labels (M,), indices into :data:`CLASSES`.
    """
    axis = np.arange(size) + 0.5
    x, y = axis[None, None, :], axis[None, :, None]  # (1, 1, S), (1, S, 1)
    wave = random.uniform(2, 9) * 2 / size
    waves = np.sin(wave * along(random.uniform(0, 2 * np.pi), x, y) + random.uniform(0, 6.3))
    scene = random.uniform(0, 0.4, 3) + 0.1 * waves[0, ..., None]  # (S, S, 3)

    centres, radii = _places(size, random)
    labels = random.integers(len(CLASSES), size=len(radii))
    boxes = np.zeros((len(radii), 4), dtype=np.int64)
    for i, (radius, label) in enumerate(zip(radii, labels, strict=True)):
        direction, outline = divmod(int(label), len(_OUTLINES))
        dx, dy = x - centres[i, 0], y - centres[i, 1]
        turn = random.uniform(-0.3, 0.3)
        u, v = along(turn, dx, dy) / radius, along(turn, dy, -dx) / radius  # (1, S, S)
        shape = np.array([SHAPES.index(_OUTLINES[outline])])
        inside = coverage(shape, u, v, sharpness=radius)[0]  # (S, S), an edge of two pixels
        angle = np.deg2rad(_STRIPES[direction] + random.normal(0, _SPREAD))
        phase = random.uniform(0, 2 * np.pi)
        stripes = np.sin(random.uniform(5, 8) * along(angle, dx, dy) / radius + phase)[0]
        ink, paper = random.uniform(0.1, 0.6, 3), random.uniform(0.5, 1, 3)
        filled = ink + (0.5 + 0.5 * np.tanh(3 * stripes[..., None])) * (paper - ink)
        scene += inside[..., None] * (filled - scene)
        rows, columns = np.nonzero((inside > _INK).any(1))[0], np.nonzero((inside > _INK).any(0))[0]
        boxes[i] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    scene += random.standard_normal(scene.shape) * random.uniform(0.02, 0.08)
    return (np.clip(scene, 0, 1) * 255).round().astype(np.uint8), boxes, labels


def _places(size: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return centres (M, 2) and radii (M,) in pixels of objects that do not overlap, M >= 1."""
    centres: list[np.ndarray] = []
    radii: list[float] = []
    for _ in range(int(random.integers(1, 7))):
        for _ in range(_ATTEMPTS):
            radius = size * random.uniform(0.1, 0.2)
            centre = random.uniform(radius, size - radius, 2)
            apart = [np.hypot(*(centre - other)) for other in centres]
            if all(d > radius + r for d, r in zip(apart, radii, strict=True)):
                centres.append(centre)
                radii.append(radius)
                break
    return np.array(centres), np.array(radii)
