"""Logit distillation for mmpretrain classifiers and mmdet detectors."""

from .version import __version__

__all__ = ['__version__']
