"""How large the CIFAR networks of the literature are, counted on the built models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.analysis import FlopAnalyzer
from rich.table import Table

from mmlogitkd.published import NETWORKS, network_config
from mmlogitkd.teacher.build import build_model

from .markdown import pipe_table

__all__ = ['NetworkSize', 'measure_networks', 'network_markdown', 'network_table']

HEADINGS = ('network', 'published as', 'parameters', 'last map', 'multiply-adds (M)')


@dataclass(frozen=True)
class NetworkSize:
    """One network with a classifier of 100 classes, on one image of 32x32 pixels.

    Attributes:
        name: its file in ``configs/_base_/models/cifar``.
        parameters: numbers that are trained.
        last_map: channels, height and width of what the backbone returns.
        multiply_adds: of all convolutions and the linear layer.
    """

    name: str
    parameters: int
    last_map: tuple[int, int, int]
    multiply_adds: int

    def cells(self) -> tuple[str, ...]:
        """The row of a table."""
        return (
            self.name,
            NETWORKS[self.name],
            f'{self.parameters:,}',
            ' × '.join(map(str, self.last_map)),
            f'{self.multiply_adds / 1e6:.1f}',
        )


def measure_networks(folder: Path) -> Iterator[NetworkSize]:
    """Build and measure one network after the other.

    Args:
        folder: where the model bases are, ``configs/_base_/models/cifar``.
    """
    for name in NETWORKS:
        model = build_model(network_config(name, folder)).eval()
        image = torch.zeros(1, 3, 32, 32)
        with torch.no_grad():
            (feature,) = model.backbone(image)  # type: ignore[operator]
        counter = FlopAnalyzer(model, (image,))
        counter.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        operators = counter.tracer_warnings('none').by_operator()
        yield NetworkSize(
            name,
            sum(parameter.numel() for parameter in model.parameters()),
            tuple(feature.shape[1:]),
            operators['conv'] + operators['linear'],
        )


def network_table(sizes: Iterable[NetworkSize]) -> Table:
    """Lay the networks out for a terminal of 80 columns."""
    table = Table(title='CIFAR networks of the literature, 100 classes, 32x32 pixels')
    for index, heading in enumerate(HEADINGS):
        lines = heading.replace(' (', '\n(')
        table.add_column(lines, justify='left' if index < 2 else 'right', no_wrap=True)
    for size in sizes:
        table.add_row(*size.cells())
    return table


def network_markdown(sizes: Iterable[NetworkSize]) -> str:
    """Lay the networks out for a document."""
    alignments = ('---', '---', '--:', '--:', '--:')
    return pipe_table(HEADINGS, alignments, (size.cells() for size in sizes))
