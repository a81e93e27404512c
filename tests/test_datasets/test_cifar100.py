from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmlogitkd.datasets import CIFAR100Subset
from mmlogitkd.datasets.cifar100_classes import CIFAR100_CLASSES

PER_CLASS = 3


@pytest.fixture(scope='module')
def content() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(0)  # a frozen stream, for the pinned draw
    labels = random.permutation(np.repeat(np.arange(100), PER_CLASS))
    return random.randint(0, 256, (len(labels), 32, 32, 3), dtype=np.uint8), labels


@pytest.fixture(scope='module')
def pickled(content, tmp_path_factory) -> Path:
    """The official layout, both splits with the same content."""
    images, labels = content
    root = tmp_path_factory.mktemp('pickled')
    (root / 'cifar-100-python').mkdir()
    entry = {
        b'data': images.transpose(0, 3, 1, 2).reshape(len(images), -1),
        b'fine_labels': labels.tolist(),
    }
    for split in ('train', 'test'):
        (root / 'cifar-100-python' / split).write_bytes(pickle.dumps(entry, protocol=2))
    return root


@pytest.fixture(scope='module')
def folders(content, tmp_path_factory) -> Path:
    """Image folders, the files in another order than the archive's."""
    root = tmp_path_factory.mktemp('folders')
    for index, (image, label) in enumerate(zip(*content, strict=True)):
        folder = root / 'train' / CIFAR100_CLASSES[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f'{1000 - index}.png')
    (root / 'train' / 'apple' / 'notes.txt').write_text('not an image')
    return root


def items(dataset) -> list[tuple[bytes, int]]:
    return [(item['img'].tobytes(), item['gt_label']) for item in dataset]


def test_all_images_in_the_order_of_their_hash(content, pickled):
    dataset = CIFAR100Subset(pickled)
    assert len(dataset) == 100 * PER_CLASS
    assert dataset[0]['img'].shape == (32, 32, 3) and dataset[0]['img'].dtype == np.uint8
    expected = {(image.tobytes(), label) for image, label in zip(*content, strict=True)}
    found = items(dataset)
    assert set(found) == expected
    digests = [hashlib.sha256(image).digest() for image, _ in found]
    assert digests == sorted(digests)


@pytest.mark.parametrize('num_images', [None, 200])
def test_both_layouts_give_the_same_items(pickled, folders, num_images):
    a = CIFAR100Subset(pickled, num_images=num_images, seed=3)
    b = CIFAR100Subset(folders, num_images=num_images, seed=3)
    assert items(a) == items(b)


def test_the_subset_is_balanced_and_follows_the_seed(pickled):
    first, again, other = (CIFAR100Subset(pickled, num_images=200, seed=seed) for seed in (0, 0, 1))
    assert np.bincount([item['gt_label'] for item in first]).tolist() == [2] * 100
    assert items(first) == items(again) != items(other)


def test_the_draw_is_pinned(pickled):
    # Another draw would silently change every experiment that names a seed.
    dataset = CIFAR100Subset(pickled, num_images=100, seed=0)
    digest = hashlib.sha256(b''.join(image for image, _ in items(dataset))).hexdigest()
    assert digest[:16] == 'd9cf1fc623fb57a6'


def test_items_are_copies(pickled):
    dataset = CIFAR100Subset(pickled)
    before = dataset[0]['img'].copy()
    dataset[0]['img'][:] = 0
    assert np.array_equal(dataset[0]['img'], before)


def test_the_archives_folder_itself_is_a_root(pickled):
    inside = CIFAR100Subset(pickled / 'cifar-100-python')
    assert items(inside) == items(CIFAR100Subset(pickled))


def test_classes_are_the_official_ones():
    assert len(CIFAR100_CLASSES) == 100
    assert list(CIFAR100_CLASSES) == sorted(set(CIFAR100_CLASSES))
    categories = pytest.importorskip('mmpretrain.datasets.categories')
    assert tuple(categories.CIFAR100_CATEGORIES) == CIFAR100_CLASSES


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'unpack it there, or set data_root'):
        CIFAR100Subset(tmp_path)


@pytest.mark.parametrize('num_images', [0, 50, 150, -100])
def test_unbalanced_sizes_are_refused(pickled, num_images):
    with pytest.raises(ValueError, match=f'multiple of 100, got {num_images}'):
        CIFAR100Subset(pickled, num_images=num_images)


def test_more_than_there_is(pickled):
    with pytest.raises(ValueError, match=r"takes 4 images per class, 'apple' has 3"):
        CIFAR100Subset(pickled, num_images=400)


def test_unknown_split(pickled):
    with pytest.raises(ValueError, match="got 'val'"):
        CIFAR100Subset(pickled, split='val')


def test_wrong_class_folders(tmp_path):
    for name in (*CIFAR100_CLASSES[1:], 'cat'):
        (tmp_path / 'train' / name).mkdir(parents=True)
    with pytest.raises(ValueError, match=r'missing or unknown: apple, cat$'):
        CIFAR100Subset(tmp_path)


def test_class_folders_without_images(tmp_path):
    for name in CIFAR100_CLASSES:
        (tmp_path / 'train' / name).mkdir(parents=True)
    with pytest.raises(ValueError, match='no image in them'):
        CIFAR100Subset(tmp_path)


def test_image_of_another_size(tmp_path):
    for name in CIFAR100_CLASSES:
        (tmp_path / 'train' / name).mkdir(parents=True)
    Image.new('RGB', (64, 64)).save(tmp_path / 'train' / 'apple' / 'x.png')
    with pytest.raises(ValueError, match=r'x\.png. is \(64, 64\)'):
        CIFAR100Subset(tmp_path)


class Attack:
    def __reduce__(self):
        return Path.touch, (Path('attacked'),)


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'not a pickle',
        pickle.dumps({b'data': Attack(), b'fine_labels': [1]}),
        pickle.dumps({b'data': np.zeros((1, 3072), np.uint8)}),
        pickle.dumps({b'data': np.zeros((2, 3072), np.uint8), b'fine_labels': [1]}),
        pickle.dumps({b'data': np.zeros((1, 3072), np.uint8), b'fine_labels': [100]}),
        pickle.dumps({b'data': np.zeros((1, 99), np.uint8), b'fine_labels': [1]}),
        pickle.dumps([1, 2]),
    ],
    ids=['empty', 'garbage', 'code', 'no-labels', 'counts', 'label', 'shape', 'list'],
)
def test_bad_archives_are_refused(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'train').write_bytes(content)
    with pytest.raises(ValueError, match=r'train'):
        CIFAR100Subset(tmp_path)
    assert not (tmp_path / 'attacked').exists()
