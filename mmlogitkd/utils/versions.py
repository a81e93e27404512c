"""Check of the ecosystem's versions by module, whichever distribution brought the module.

The same modules come from two lines of distributions (``mmengine`` and ``onedl-mmengine``, ...), so
the package's metadata can require neither.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

from packaging.specifiers import SpecifierSet

__all__ = ['check_versions']

# module: (distributions that bring it, versions that this package works with)
REQUIRED: dict[str, tuple[tuple[str, ...], str]] = {
    'mmengine': (('onedl-mmengine', 'mmengine'), '>=0.10.7,<1.0'),
    'mmcv': (('onedl-mmcv', 'mmcv', 'mmcv-lite'), '>=2.1.0,<3.0'),
    'mmpretrain': (('onedl-mmpretrain', 'mmpretrain'), '>=1.2.0,<2.0'),
    'mmdet': (('onedl-mmdetection', 'mmdet'), '>=3.3.0,<4.0'),
}


def check_versions() -> dict[str, str]:
    """Check each module of the ecosystem that is present; imports none of them.

    Returns:
        The version of each module that is present.

    Raises:
        ImportError: A module comes from two distributions at once, which overwrite each other's
            files, or its version is outside the range that this package works with.

    Example:
        >>> from mmlogitkd.utils import check_versions
        >>> sorted(check_versions())  # doctest: +SKIP
        ['mmcv', 'mmdet', 'mmengine', 'mmpretrain']
    """
    found: dict[str, str] = {}
    for module, (distributions, legal) in REQUIRED.items():
        present = {name: number for name in distributions if (number := _installed(name))}
        if len(present) > 1:
            both = ' and '.join(f'{name} {number}' for name, number in present.items())
            raise ImportError(
                f'{both} both install the module {module!r} and overwrite each other: '
                f'uninstall both ({", ".join(present)}), then install one of them.'
            )
        number = next(iter(present.values()), None) or _imported(module)
        if number is None:
            continue
        if not SpecifierSet(legal, prereleases=True).contains(number):
            raise ImportError(
                f'{module} {number} is installed; mmlogitkd works with {module} {legal}. '
                f'Install such a version of {" or ".join(distributions)}.'
            )
        found[module] = number
    return found


def _installed(distribution: str) -> str | None:
    """Return the version of an installed distribution."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _imported(module: str) -> str | None:
    """Return the version of a module that runs from a source tree and has been imported."""
    return getattr(sys.modules.get(module), '__version__', None)
