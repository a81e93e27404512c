"""Registration of everything at once, for code that does not go through a scoped type."""

from __future__ import annotations

from mmengine.registry import DefaultScope

from .versions import check_versions

__all__ = ['register_all_modules']


def register_all_modules(init_default_scope: bool = True) -> None:
    """Import every module that registers a class; MMEngine's hub calls this by name.

    A config does not need it: ``type='mmlogitkd.X'`` imports what it needs by itself.

    Args:
        init_default_scope: Make ``mmlogitkd`` the default scope if there is none. A scope that is
            set stays, because a distillation config runs in its student's (mmpretrain, mmdet).

    Raises:
        ImportError: A package of the ecosystem is installed in a version that does not fit.
    """
    from mmlogitkd import registry

    check_versions()
    for name in registry.__all__:
        getattr(registry, name).import_from_location()
    if init_default_scope and DefaultScope.get_current_instance() is None:
        DefaultScope.get_instance('mmlogitkd', scope_name='mmlogitkd')
