"""What the command lines of the step and memory benchmarks have in common."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import DictAction

from .step_config import StepSettings
from .step_pairs import LOSSES, PAIRS, Pair, choose_pairs, loss_names

__all__ = ['Case', 'cases_of', 'step_parser']


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        pair: student and teacher.
        loss: name of the loss.
        settings: of the step.
    """

    pair: Pair
    loss: str
    settings: StepSettings

    def row(self, target: float, measured: dict[str, Any]) -> dict[str, Any]:
        """Return the line: what was measured, of what, and the target if the loss has one."""
        return dict(
            pair=self.pair.name,
            config=self.pair.config,
            size=self.settings.size,
            images=self.settings.images,
            loss=self.loss,
            target=target if self.loss == self.pair.loss else None,
            **measured,
        )


def step_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of what to measure and on what."""
    parser = argparse.ArgumentParser(description=description)
    names = ', '.join(pair.name for pair in PAIRS)
    parser.add_argument('--pairs', nargs='+', metavar='NAME', help=f'of {names} (all)')
    parser.add_argument(
        '--losses',
        nargs='+',
        metavar='NAME',
        help=f'all, or of {", ".join(LOSSES)} (that of the pair which the target is about)',
    )
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    parser.add_argument('--amp', choices=('bfloat16', 'float16'), help='mixed precision, on CUDA')
    parser.add_argument('--size', type=int, help='pixels of the longer side of an image')
    parser.add_argument('--images', type=int, help='batch size')
    parser.add_argument('--threads', type=int, help='threads of torch in every process')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={}, help='override entries'
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/benchmarks'),
        help='folder of the tables (work_dirs/benchmarks)',
    )
    parser.add_argument('--check', action='store_true', help='exit with 1 if a target is missed')
    return parser


def cases_of(
    parser: argparse.ArgumentParser,
    args: argparse.Namespace,
    configs: Path,
    counts: Sequence[str] = (),
) -> list[Case]:
    """Return the cases to measure; what is wrong with the arguments ends the program.

    Args:
        parser: of :func:`step_parser`.
        args: what it read.
        configs: folder of the configs.
        counts: names of further arguments that are at least 1.
    """
    for name in ('size', 'images', 'threads', *counts):
        if (value := getattr(args, name)) is not None and value < 1:
            parser.error(f'--{name.replace("_", "-")} must be at least 1, got {value}')
    if args.device == 'cuda' and not torch.cuda.is_available():
        parser.error('--device cuda: torch sees no GPU')
    if args.amp and args.device == 'cpu':
        parser.error('--amp needs --device cuda: MMEngine trains in mixed precision there only')
    try:
        chosen = [
            (pair, loss)
            for pair in choose_pairs(args.pairs)
            for loss in loss_names(pair, args.losses)
        ]
    except ValueError as error:
        parser.error(str(error))
    if not chosen:
        parser.error(f'--losses {args.losses}: none of them fits the pairs {args.pairs}')
    given = {n: getattr(args, n) for n in ('size', 'images', 'device', 'amp', 'threads')}
    return [
        Case(
            pair, loss, StepSettings.of_pair(pair, loss, configs, **given, options=args.cfg_options)
        )
        for pair, loss in chosen
    ]
