from __future__ import annotations

import numpy as np
import pytest

from mmlogitkd.datasets import FineGrainedShapes
from mmlogitkd.datasets.fine_grained import draw_images


def images(**kwargs) -> np.ndarray:
    return np.stack([item['img'] for item in FineGrainedShapes(**kwargs)])


def test_items():
    dataset = FineGrainedShapes(num_images=100, image_size=20)
    assert len(dataset) == 100
    for index, item in enumerate(dataset):
        assert item['img'].shape == (20, 20, 3) and item['img'].dtype == np.uint8
        assert item['gt_label'] == index % 24
    assert len(dataset.metainfo['classes']) == len(set(dataset.metainfo['classes'])) == 24
    assert dataset.metainfo['classes'][7] == '45_square'


def test_the_seed_decides_and_splits_differ():
    first = images(num_images=48)
    assert np.array_equal(first, images(num_images=48))
    assert not np.array_equal(first, images(num_images=48, seed=1))
    assert not np.array_equal(first, images(num_images=48, split='test'))


def test_a_smaller_set_is_the_beginning_of_a_larger_one():
    large = images(num_images=500)
    for size in (1, 240, 241):
        assert np.array_equal(images(num_images=size), large[:size])


def test_chunks_do_not_repeat():
    large = images(num_images=480)
    assert len({image.tobytes() for image in large}) == 480


def test_the_images_are_pinned():
    # Averages: a sine may differ in its last bit between machines, and so a pixel by one step.
    sample = images(num_images=4).astype(np.float64).mean(axis=(1, 2, 3))
    assert sample == pytest.approx([59.61, 101.0, 76.92, 48.63], abs=0.01)


def test_stripes_have_the_direction_of_their_class():
    # Structure tensor: the direction in which brightness changes, over the patch's centre.
    dataset = FineGrainedShapes(num_images=2400, image_size=32)
    classes = dataset.metainfo['classes']
    grey = np.stack([item['img'] for item in dataset]).astype(float).mean(-1)[:, 10:22, 10:22]
    dy, dx = np.gradient(grey, axis=(1, 2))
    turn = np.arctan2((2 * dx * dy).sum((1, 2)), (dx**2 - dy**2).sum((1, 2))) / 2
    expected = np.array([int(classes[i % 24].split('_')[0]) for i in range(2400)])
    off = (np.rad2deg(turn) - expected + 90) % 180 - 90
    assert (np.abs(off) < 22.5).mean() > 0.7  # chance is 0.25
    assert abs(np.median(off)) < 3


def test_shapes_differ_by_what_they_cover():
    # Bright on dark: the mean brightness far from the centre orders the outlines by their area.
    labels = np.repeat(np.arange(6), 200)
    drawn = draw_images(labels, 32, np.random.default_rng(0)).astype(float).mean((1, 2, 3))
    disc, square, triangle, ring, cross, bar = drawn.reshape(6, 200).mean(1)
    assert disc > ring > triangle
    assert square > cross > bar


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(split='val'), "got 'val'"),
        (dict(num_images=0), 'num_images must be at least 1, got 0'),
        (dict(image_size=8), 'image_size must be at least 16, got 8'),
        (dict(seed=-1), 'seed must be at least 0, got -1'),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        FineGrainedShapes(**arguments)


def test_packed_for_mmpretrain():
    pytest.importorskip('mmpretrain')
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope('mmpretrain'):
        dataset = FineGrainedShapes(num_images=1, pipeline=[dict(type='PackInputs')])
        packed = dataset[0]
    assert packed['inputs'].shape == (3, 24, 24)
    assert packed['data_samples'].gt_label.tolist() == [0]
