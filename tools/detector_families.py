"""Try every detector family: does it distil, over which rows, and what does that cost.

Every family's config from mmdet's zoo trains some steps on generated images, with a teacher of the
same config; both have random weights, nothing is downloaded. On CUDA the parts are timed with the
device waiting at both ends.

Example:
    python tools/detector_families.py
    python tools/detector_families.py --only FCOS 'Mask R-CNN' --device cuda --size 1024
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.logging import MMLogger
from rich.console import Console

from mmlogitkd.analysis.families import FAMILIES, choose
from mmlogitkd.analysis.family_steps import LOSSES, Outcome, Settings, try_family
from mmlogitkd.analysis.family_tables import family_markdown, family_table, reason_of
from mmlogitkd.utils.versions import check_versions

STYLES = dict(yes='green', refused='default', error='red')


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Try the detector families')
    parser.add_argument('--only', nargs='+', metavar='NAME', help='only these detectors')
    parser.add_argument('--list', action='store_true', help='print the names and stop')
    parser.add_argument('--size', type=int, default=320, help='longer side in pixels (320)')
    parser.add_argument('--images', type=int, default=2, help='batch size (2)')
    parser.add_argument('--steps', type=int, default=3, help='timed steps after one more (3)')
    parser.add_argument('--device', default='cpu', help='cpu, cuda, cuda:1, ... (cpu)')
    parser.add_argument(
        '--loss',
        choices=LOSSES,
        help='DKDLoss for softmax and BinaryKDLoss for sigmoid heads if not given; '
        'softmax losses take the foreground rows of sigmoid heads',
    )
    parser.add_argument('--out', type=Path, help='write the table to this file, in Markdown')
    args = parser.parse_args(arguments)
    for name, least in (('size', 64), ('images', 1), ('steps', 1)):
        if getattr(args, name) < least:
            parser.error(f'--{name} must be at least {least}, got {getattr(args, name)}')
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the families and show the table; return the exit status, 1 if there was an error."""
    args = parse_args(arguments)
    console = Console()
    if args.list:
        console.print('\n'.join(family.name for family in FAMILIES), markup=False, highlight=False)
        return 0
    try:
        families = choose(args.only)
    except ValueError as error:
        console.print(str(error), markup=False, highlight=False)
        return 2
    MMLogger.get_instance('detector_families', log_level='ERROR')
    settings = Settings(args.size, args.images, args.steps, args.device, args.loss)
    outcomes: list[Outcome] = []
    for number, family in enumerate(families, 1):
        with console.status(family.name):
            outcome = try_family(family, settings)
        outcomes.append(outcome)
        said = f'[{number}/{len(families)}] {family.name}: {outcome.verdict}'
        if outcome.verdict != 'yes':
            said += f', {reason_of(outcome)}'
        console.print(said, style=STYLES[outcome.verdict], markup=False, highlight=False)
    versions = ', '.join(f'{name} {number}' for name, number in check_versions().items())
    title = f'{args.images} images of {args.size} pixels on {args.device}'
    console.print(family_table(outcomes, title))
    console.print(f'torch {torch.__version__}, {versions}', markup=False, highlight=False)
    if args.out:
        args.out.write_text(family_markdown(outcomes), encoding='utf-8')
        console.print(f'Table: {args.out}', soft_wrap=True, markup=False, highlight=False)
    return 1 if any(outcome.verdict == 'error' for outcome in outcomes) else 0


if __name__ == '__main__':
    sys.exit(main())
