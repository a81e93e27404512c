"""The distillation losses as registered modules: hyper-parameters, checks, one call each."""

from .base import LogitLoss
from .binary_kd import BinaryKDLoss
from .checks import explain_values, invalid_values
from .dist import DISTLoss
from .dkd import DKDLoss
from .gdkd import GDKDLoss
from .kd import KDLoss
from .ldrld import LDRLDLoss
from .luminet import LumiNetLoss
from .mlkd import MLKDLoss
from .nkd import NKDLoss
from .rld import RLDLoss
from .sdd import SDDLoss
from .standardized import StandardizedLoss
from .ttm import TTMLoss, WTTMLoss

__all__ = [
    'BinaryKDLoss',
    'DISTLoss',
    'DKDLoss',
    'GDKDLoss',
    'KDLoss',
    'LDRLDLoss',
    'LogitLoss',
    'LumiNetLoss',
    'MLKDLoss',
    'NKDLoss',
    'RLDLoss',
    'SDDLoss',
    'StandardizedLoss',
    'TTMLoss',
    'WTTMLoss',
    'explain_values',
    'invalid_values',
]
