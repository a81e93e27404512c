"""Building, loading and asking the teacher."""

from .teacher import Teacher

__all__ = ['Teacher']
