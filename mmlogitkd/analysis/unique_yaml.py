"""YAML in which no key stands twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

__all__ = ['read_yaml']


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        ValueError: There is no such file, it is no YAML, or a mapping has a key twice: the first
            value would be lost.
    """
    try:
        return yaml.load(path.read_text(encoding='utf-8'), Loader=_UniqueKeys)
    except OSError as error:
        raise ValueError(
            f"'{path}' cannot be read ({error.strerror}; seen from {Path.cwd()}): give the path of "
            'a YAML file'
        ) from error
    except yaml.YAMLError as error:
        raise ValueError(f"'{path}' cannot be read: {error}") from error


class _UniqueKeys(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise yaml.constructor.ConstructorError(
                None, None, f'{", ".join(twice)} stands twice; remove one', node.start_mark
            )
        return super().construct_mapping(node, deep)
