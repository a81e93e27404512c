"""Child registries of MMEngine's, so that ``type='mmlogitkd.X'`` works in any config.

MMEngine imports ``mmlogitkd.registry`` when it meets the scope ``mmlogitkd`` for the first time;
the ``locations`` then import the modules that register the classes.
"""

from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import TASK_UTILS as MMENGINE_TASK_UTILS
from mmengine.registry import Registry

__all__ = ['DATASETS', 'HOOKS', 'MODELS', 'TASK_UTILS']

MODELS = Registry(
    'model',
    parent=MMENGINE_MODELS,
    scope='mmlogitkd',
    locations=['mmlogitkd.losses', 'mmlogitkd.backbones'],
)
HOOKS = Registry('hook', parent=MMENGINE_HOOKS, scope='mmlogitkd', locations=['mmlogitkd.hooks'])
TASK_UTILS = Registry(
    'task util',
    parent=MMENGINE_TASK_UTILS,
    scope='mmlogitkd',
    locations=['mmlogitkd.logits', 'mmlogitkd.hooks'],
)
DATASETS = Registry(
    'dataset',
    parent=MMENGINE_DATASETS,
    scope='mmlogitkd',
    locations=['mmlogitkd.datasets', 'mmlogitkd.offline'],
)
