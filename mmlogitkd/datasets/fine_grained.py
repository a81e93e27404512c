"""Generated images of 24 classes that are confusable in groups."""

from typing import Any, ClassVar

import numpy as np
from mmengine.dataset import BaseDataset

from mmlogitkd.registry import DATASETS

from .drawing import SHAPES, along, coverage

_STRIPES = (0, 45, 90, 135)
_SPLITS = ('train', 'test')
_SPREAD = 10.8  # degrees: one standard deviation of the stripes' direction within a class
_CHUNK = 240  # images drawn at once: keeps the float maps small


@DATASETS.register_module()
class FineGrainedShapes(BaseDataset):
    """Four directions of stripes times six shapes, drawn from a seed; no file is read or written.

    The direction makes a group of six classes, the outline of the striped patch the class. The
    stripes are easily seen; outlines of few pixels are not, so classes are confused within their
    group first. Directions spread so that neighbours overlap: in about 4 % of the images another
    direction is nearer, which bounds what any model can reach. Position, size, turn, colours,
    waves in the background and noise vary and mean nothing.

    Every item is ``dict(img=..., gt_label=...)`` with ``img`` (S, S, 3) uint8 in **RGB** (set
    ``to_rgb=False`` in the data preprocessor) and ``gt_label = 6 * direction + shape``. Item i has
    label ``i % 24``: the set is balanced, and a smaller set is the beginning of a larger one.
    A flip changes the class; do not augment with it.

    Args:
        split: ``'train'`` or ``'test'``, two independent streams of the same seed.
        num_images: Number of images.
        image_size: Height and width S in pixels, at least 16.
        seed: Seed of the images, at least 0.
        **kwargs: Arguments of :class:`mmengine.dataset.BaseDataset`, ``pipeline`` above all.

    Raises:
        ValueError: If an argument is out of its range.
    """

    METAINFO: ClassVar[dict[str, Any]] = dict(
        classes=tuple(f'{angle}_{shape}' for angle in _STRIPES for shape in SHAPES),
        dataset_type='fine_grained_shapes',
    )

    def __init__(
        self,
        split: str = 'train',
        num_images: int = 2400,
        image_size: int = 24,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if split not in _SPLITS:
            raise ValueError(f"split must be 'train' or 'test', got {split!r}")
        for name, value, least in (
            ('num_images', num_images, 1),
            ('image_size', image_size, 16),
            ('seed', seed, 0),
        ):
            if value < least:
                raise ValueError(f'{name} must be at least {least}, got {value}')
        self.split, self.num_images = split, num_images
        self.image_size, self.seed = image_size, seed
        kwargs.setdefault('serialize_data', False)
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """Draw every image, in chunks that each have their own stream."""
        classes = len(SHAPES) * len(_STRIPES)
        labels = np.arange(_CHUNK) % classes  # 240 is a multiple of 24: the same in every chunk
        images = np.concatenate(
            [
                draw_images(
                    labels,
                    self.image_size,
                    np.random.default_rng([self.seed, _SPLITS.index(self.split), chunk]),
                )
                for chunk in range(-(-self.num_images // _CHUNK))
            ]
        )
        return [dict(img=images[i], gt_label=i % classes) for i in range(self.num_images)]


def draw_images(labels: np.ndarray, size: int, random: np.random.Generator) -> np.ndarray:
    """Draw one image per label.

    Args:
        labels: Class indices (N,) in 0..23.
        size: Height and width S in pixels.
        random: Source of everything that varies.

    Returns:
        RGB images (N, S, S, 3), uint8.
    """
    n = len(labels)
    direction, shape = np.divmod(labels, len(SHAPES))

    def uniform(low: float, high: float, *channels: int) -> np.ndarray:
        return random.uniform(low, high, (n, 1, 1, *channels))

    def grating(angle: np.ndarray, wave: np.ndarray) -> np.ndarray:
        return np.sin(wave * along(angle, x, y) + uniform(0, 2 * np.pi))

    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = axis[None, None, :], axis[None, :, None]
    turn, radius = uniform(-0.3, 0.3), uniform(0.5, 0.8)
    dx, dy = x - uniform(-0.25, 0.25), y - uniform(-0.25, 0.25)
    u, v = along(turn, dx, dy) / radius, along(turn, dy, -dx) / radius  # (N, S, S)
    inside = coverage(shape, u, v)

    degrees = np.take(_STRIPES, direction) + random.normal(0, _SPREAD, n)
    stripes = np.tanh(3 * grating(np.deg2rad(degrees)[:, None, None], uniform(6, 11)))
    waves = grating(uniform(0, 2 * np.pi), uniform(2, 9))

    ground, ink, paper = uniform(0, 0.4, 3), uniform(0.1, 0.6, 3), uniform(0.5, 1, 3)
    scene = ground + 0.1 * waves[..., None]  # (N, S, S, 3)
    filled = ink + (0.5 + 0.5 * stripes[..., None]) * (paper - ink)
    image = scene + inside[..., None] * (filled - scene)
    image += random.standard_normal(image.shape) * uniform(0.02, 0.12, 1)
    return (np.clip(image, 0, 1) * 255).round().astype(np.uint8)
