"""The distillation losses as registered modules: hyper-parameters, checks, one call each."""

from .base import LogitLoss
from .checks import explain_values, invalid_values
from .dkd import DKDLoss
from .kd import KDLoss
from .ldrld import LDRLDLoss
from .luminet import LumiNetLoss
from .nkd import NKDLoss
from .sdd import SDDLoss

__all__ = [
    'DKDLoss',
    'KDLoss',
    'LDRLDLoss',
    'LogitLoss',
    'LumiNetLoss',
    'NKDLoss',
    'SDDLoss',
    'explain_values',
    'invalid_values',
]
