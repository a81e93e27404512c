"""Outlines and stripes of the generated images, as functions of pixel coordinates."""

from __future__ import annotations

import numpy as np

__all__ = ['SHAPES', 'along', 'coverage']

SHAPES = ('disc', 'square', 'triangle', 'ring', 'cross', 'bar')


def along(angle: np.ndarray | float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how far every point (x, y) lies in the direction ``angle``, in radians."""
    return np.cos(angle) * x + np.sin(angle) * y


def coverage(
    shape: np.ndarray, u: np.ndarray, v: np.ndarray, sharpness: float = 12.0
) -> np.ndarray:
    """Return how much of every pixel a shape of radius 1 covers, 0 to 1 with a soft edge.

    Args:
        shape: Index into :data:`SHAPES` per image (N,).
        u: First coordinate in the shape's frame, in radii (N, H, W).
        v: Second coordinate (N, H, W).
        sharpness: Slope of the edge: coverage falls from 0.73 to 0.27 over 2 / sharpness radii.
    """
    return 1 / (1 + np.exp(np.clip(sharpness * _outside(shape, u, v), -30, 30)))


def _outside(shape: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return how far every pixel lies outside its shape, in radii; negative inside."""
    r, au, av = np.hypot(u, v), np.abs(u), np.abs(v)
    distances = (
        r - 0.95,
        np.maximum(au, av) - 0.8,
        np.maximum(v, np.sqrt(0.75) * au - 0.5 * v) - 0.55,
        np.abs(r - 0.72) - 0.28,
        np.maximum(np.maximum(au, av) - 0.98, np.minimum(au, av) - 0.38),
        np.maximum(au - 1, av - 0.45),
    )
    return np.choose(shape[:, None, None], distances)
