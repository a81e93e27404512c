"""Teacher's logits stored once and looked up in training, for classifiers."""

from .cached_teacher import CachedTeacher, build_teacher
from .caching import LogitCaching
from .replay import ReplayDataset, tell_epoch
from .rows import RowFormat
from .setup import find_distill, use_cache
from .store import DamagedShardError, LogitStore, Shard

__all__ = [
    'CachedTeacher',
    'DamagedShardError',
    'LogitCaching',
    'LogitStore',
    'ReplayDataset',
    'RowFormat',
    'Shard',
    'build_teacher',
    'find_distill',
    'tell_epoch',
    'use_cache',
]
