"""The losses as pure functions of tensors: torch only, one paper per file.

Per-row functions take logits (..., N, C) and return (..., N), float32 or above, without weight and
reduction; those belong to :mod:`mmlogitkd.functional.reduction`.
"""

from .dkd import dkd_loss
from .kd import kd_loss
from .ldrld import ldrld_loss
from .luminet import luminet_loss, perception
from .nkd import nkd_loss
from .reduction import reduce_batch, reduce_rows
from .sdd import region_weights, sdd_loss

__all__ = [
    'dkd_loss',
    'kd_loss',
    'ldrld_loss',
    'luminet_loss',
    'nkd_loss',
    'perception',
    'reduce_batch',
    'reduce_rows',
    'region_weights',
    'sdd_loss',
]
