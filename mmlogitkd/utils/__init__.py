"""Small helpers around the ecosystem: registration, version check, safe loading, command line."""

from .register import register_all_modules
from .versions import check_versions

__all__ = ['check_versions', 'register_all_modules']
