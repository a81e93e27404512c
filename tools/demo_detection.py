"""Distil detectors on generated scenes: a two-stage and a dense one, alone and with the methods.

Writes the scenes in COCO's format, trains everything on two cores in some minutes, and for each
detector prints a table and draws the boxes of teacher and students side by side; the second call
only prints. Takes the options of tools/study.py, for example ``--fresh`` or ``--seeds 0 1 2``.

Example:
    python tools/demo_detection.py
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import draw_boxes
import study

from mmlogitkd.analysis import Run, load_study, runs_of
from mmlogitkd.datasets.shape_scenes import write_shape_scenes

CONFIGS = Path(__file__).resolve().parents[1] / 'configs' / 'demo_detection'
DETECTORS = ('faster-rcnn', 'gfl')
SCENES = Path('data/shape_scenes')  # where the configs look for them


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the scenes, then compare and draw for each detector; return the exit status."""
    options = sys.argv[1:] if arguments is None else arguments
    study.parse_args(['', *options])  # a mistake in them stops here
    print(f'Scenes: {write_shape_scenes(SCENES).resolve()}', flush=True)
    for name in DETECTORS:
        args = study.parse_args([str(CONFIGS / f'{name}.yml'), *options])
        if args.work_dir:
            args.work_dir /= name
        status = study.run_study(args) or draw(args)
        if status:
            return status
    return 0


def draw(args: argparse.Namespace) -> int:
    """Draw what the teacher and the students of the first seed find in some images."""
    first: dict[str, Run] = {}
    for run in runs_of(study.wanted_groups(args, load_study(args.study))):
        first.setdefault(run.name, run)
    models = [
        part
        for run in first.values()
        if run.checkpoint is not None  # with --table-only some may be missing
        for part in ('--model', run.name, str(run.config), run.checkpoint)
    ]
    if not models:
        return 0
    return draw_boxes.main(
        [*models, '--score', '0.4', '--out', str(study.work_folder(args) / 'boxes.png')]
    )


if __name__ == '__main__':
    sys.exit(main())
