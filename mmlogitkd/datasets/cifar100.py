"""CIFAR-100 or a class-balanced part of it, the same part on every machine."""

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmengine.dataset import BaseDataset

from mmlogitkd.registry import DATASETS

from .cifar100_classes import CIFAR100_CLASSES

_NUMPY_IN_PICKLES = frozenset({'_reconstruct', 'ndarray', 'dtype', '_frombuffer'})
_IMAGE_SUFFIXES = frozenset({'.png', '.bmp', '.jpg', '.jpeg'})


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickle containers, bytes and NumPy arrays; nothing else can be executed."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition('.')[0] == 'numpy' and name in _NUMPY_IN_PICKLES:
            return super().find_class(module, name)
        if (module, name) == ('_codecs', 'encode'):  # how protocol 2 writes bytes
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f'a CIFAR file holds no {module}.{name}')


@DATASETS.register_module()
class CIFAR100Subset(BaseDataset):
    """CIFAR-100 in either common layout, whole or a seeded class-balanced subset.

    ``data_root`` holds ``cifar-100-python/train`` and ``test`` (the official archive, unpacked), or
    image folders ``train/<class name>/*.png`` and ``test/<class name>/*.png``. The images are put
    in the order of the SHA-256 of their pixels before anything is drawn, so that both layouts
    and any order of files give the same dataset, index by index.

    Every item is ``dict(img=..., gt_label=...)`` with ``img`` (32, 32, 3) uint8 in **RGB** (set
    ``to_rgb=False`` in the data preprocessor) and ``gt_label`` the official fine label, the index
    in the alphabetical order of the class names.

    Args:
        data_root: Folder of either layout.
        split: ``'train'`` (50,000 images) or ``'test'`` (10,000).
        num_images: Size of the subset, a multiple of the 100 classes; None takes every image.
        seed: Seed of the draw. It uses NumPy's ``RandomState``, whose stream is frozen.
        **kwargs: Arguments of :class:`mmengine.dataset.BaseDataset`, ``pipeline`` above all.

    Raises:
        FileNotFoundError: If ``data_root`` has neither layout.
        ValueError: If the arguments or the files' content are not as described.
    """

    METAINFO: ClassVar[dict[str, Any]] = dict(classes=CIFAR100_CLASSES, dataset_type='cifar100')

    def __init__(
        self,
        data_root: str = 'data/cifar100',
        split: str = 'train',
        num_images: int | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        classes = len(CIFAR100_CLASSES)
        if split not in ('train', 'test'):
            raise ValueError(f"split must be 'train' or 'test', got {split!r}")
        if num_images is not None and (num_images < classes or num_images % classes):
            raise ValueError(f'num_images must be a multiple of {classes}, got {num_images}')
        self.split = split
        self.num_images = num_images
        self.seed = seed
        # A row is 3 KB and lives in one shared array: pickling every item would only copy it.
        kwargs.setdefault('serialize_data', False)
        super().__init__(data_root=data_root, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Read one of the layouts, sort by content and draw the subset."""
        root = Path(self.data_root)
        for pickled in (root / 'cifar-100-python' / self.split, root / self.split):
            if pickled.is_file():
                images, labels = _read_pickle(pickled)
                break
        else:
            if not (root / self.split).is_dir():
                raise FileNotFoundError(
                    f"no CIFAR-100 under '{root}': neither cifar-100-python/{self.split} nor "
                    f'{self.split}/<class>/*.png. Download cifar-100-python.tar.gz from '
                    'https://www.cs.toronto.edu/~kriz/cifar.html and unpack it there, or set '
                    'data_root to where it is.'
                )
            images, labels = _read_folders(root / self.split)
        chosen = _balanced_draw(images, labels, self.num_images, self.seed)
        return [dict(img=images[i], gt_label=int(labels[i])) for i in chosen]


def _read_pickle(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, 32, 32, 3) and labels (N,) of one file of the official archive."""
    try:
        entry = _ArrayUnpickler(io.BytesIO(path.read_bytes()), encoding='bytes').load()
        images = np.asarray(entry[b'data'], dtype=np.uint8).reshape(-1, 3, 32, 32)
        labels = np.asarray(entry[b'fine_labels'], dtype=np.int64)
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"'{path}' is no CIFAR-100 file: {error!r}") from error
    if len(images) != len(labels) or not len(labels) or not 0 <= labels.min() <= labels.max() < 100:
        raise ValueError(f"'{path}': {len(images)} images, {len(labels)} labels in 0..99 expected")
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1)), labels


def _read_folders(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, 32, 32, 3) and labels (N,) of class folders named as the classes."""
    from PIL import Image

    found = {folder.name for folder in path.iterdir() if folder.is_dir()}
    if found != set(CIFAR100_CLASSES):
        wrong = sorted(found ^ set(CIFAR100_CLASSES))
        raise ValueError(
            f"'{path}' must hold one folder per class, named as CIFAR-100's classes; "
            f'missing or unknown: {", ".join(wrong[:10])}'
        )
    images, labels = [], []
    for label, name in enumerate(CIFAR100_CLASSES):
        for file in sorted((path / name).iterdir()):
            if file.suffix.lower() not in _IMAGE_SUFFIXES:
                continue
            with Image.open(file) as image:
                if image.size != (32, 32):
                    raise ValueError(f"'{file}' is {image.size}, CIFAR's images are (32, 32)")
                images.append(np.asarray(image.convert('RGB')))
            labels.append(label)
    if not images:
        raise ValueError(f"'{path}' has class folders but no image in them")
    return np.stack(images), np.asarray(labels)


def _balanced_draw(
    images: np.ndarray, labels: np.ndarray, num_images: int | None, seed: int
) -> list[int]:
    """Return indices of the subset in the order of the pixels' hash (labels break ties)."""
    digests = [hashlib.sha256(image.tobytes()).digest() for image in images]
    order = sorted(range(len(digests)), key=lambda i: (digests[i], labels[i]))
    if num_images is None:
        return order
    sorted_labels = labels[order]
    per_class = num_images // len(CIFAR100_CLASSES)
    random = np.random.RandomState(seed)
    ranks = []
    for label, name in enumerate(CIFAR100_CLASSES):
        members = np.flatnonzero(sorted_labels == label)
        if len(members) < per_class:
            raise ValueError(
                f'num_images={num_images} takes {per_class} images per class, '
                f"'{name}' has {len(members)}"
            )
        ranks.append(random.permutation(members)[:per_class])
    return [order[rank] for rank in sorted(np.concatenate(ranks))]
