"""Datasets of the demo and of the CIFAR-100 study."""

from .cifar100 import CIFAR100Subset
from .fine_grained import FineGrainedShapes

__all__ = ['CIFAR100Subset', 'FineGrainedShapes']
