"""The losses as pure functions of tensors: torch only, one paper per file.

Per-row functions take logits (..., N, C) and return (..., N), float32 or above, without weight and
reduction; those belong to :mod:`mmlogitkd.functional.reduction`. ``dist_loss`` and ``mlkd_loss``
couple the rows and return a batch mean. Most are written as a :class:`ClosedForm`, value and
gradient together, which a decorator makes differentiable.
"""

from .binary_kd import binary_kd_loss
from .closed_form import ClosedForm, differentiable
from .dist import dist_loss
from .dkd import dkd_loss
from .gdkd import gdkd_loss
from .kd import kd_loss
from .ldrld import ldrld_loss
from .luminet import luminet_loss, perception
from .mlkd import mlkd_loss
from .nkd import nkd_loss
from .reduction import reduce_batch, reduce_rows
from .rld import rld_loss
from .sdd import region_weights, sdd_loss
from .standardize import standardize
from .ttm import ttm_loss, wttm_loss

__all__ = [
    'ClosedForm',
    'binary_kd_loss',
    'differentiable',
    'dist_loss',
    'dkd_loss',
    'gdkd_loss',
    'kd_loss',
    'ldrld_loss',
    'luminet_loss',
    'mlkd_loss',
    'nkd_loss',
    'perception',
    'reduce_batch',
    'reduce_rows',
    'region_weights',
    'rld_loss',
    'sdd_loss',
    'standardize',
    'ttm_loss',
    'wttm_loss',
]
