"""Draw what detectors find beside what is annotated: teacher, plain student, distilled student.

The images are those of the first config's test set; every model sees them through the test pipeline
of its own config. Boxes that agree with the annotation are solid, the others dashed.

Example:
    python tools/draw_boxes.py --model teacher TEACHER_CONFIG TEACHER_CHECKPOINT \
        --model alone CONFIG CHECKPOINT --model LDRLD CONFIG CHECKPOINT \
        --images 4 --score 0.3 --out boxes.png
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from mmlogitkd.analysis.box_figure import Scene, plot_scenes
from mmlogitkd.analysis.boxes import truth_of
from mmlogitkd.analysis.detectors import Detector, TestImages
from mmlogitkd.utils.versions import check_versions


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Draw the boxes of detectors side by side')
    parser.add_argument(
        '--model',
        nargs=3,
        action='append',
        required=True,
        metavar=('NAME', 'CONFIG', 'CHECKPOINT'),
        help='a column of the picture; repeat it',
    )
    images = parser.add_mutually_exclusive_group()
    images.add_argument(
        '--images', type=int, default=4, help='how many, spread over those with objects (4)'
    )
    images.add_argument('--index', type=int, nargs='+', help='these images of the test set instead')
    parser.add_argument('--score', type=float, default=0.3, help='least score of a box (0.3)')
    parser.add_argument('--out', type=Path, default=Path('boxes.png'), help='file (boxes.png)')
    parser.add_argument('--title', default='', help='heading of the picture')
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='where models run'
    )
    args = parser.parse_args(arguments)
    names = [name for name, _, _ in args.model]
    if len(set(names)) < len(names):
        parser.error(f'--model: names must differ, got {names}')
    if args.images < 1:
        parser.error(f'--images must be at least 1, got {args.images}')
    if not 0 <= args.score <= 1:
        parser.error(f'--score must be from 0 to 1, got {args.score}')
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the picture and say what it shows; return the exit status."""
    args = parse_args(arguments)
    check_versions()
    try:
        draw(args)
    except (FileNotFoundError, IndexError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def draw(args: argparse.Namespace) -> None:
    """Load one model after the other, let it see all images, and draw."""
    images = TestImages(args.model[0][1])
    indices = args.index or images.choose(args.images)
    infos = [images.info(index) for index in indices]
    scenes = [
        Scene(
            f'{index}: {Path(info.get("img_path", "")).name}', images.pixels(info), truth_of(info)
        )
        for index, info in zip(indices, infos, strict=True)
    ]
    for name, config, checkpoint in args.model:
        detector = Detector(config, checkpoint, images.classes, args.device)
        for scene, info in zip(scenes, infos, strict=True):
            scene.found[name] = detector.find(info, args.score)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    plot_scenes(scenes, images.classes, args.out, args.title)
    print(f'Images {", ".join(map(str, indices))}, boxes that score at least {args.score}:')
    for name, _, _ in args.model:
        right, wrong, missed = (
            sum(part) for part in zip(*(scene.counts(name) for scene in scenes), strict=True)
        )
        print(f'  {name}: {right} right, {wrong} wrong, {missed} objects missed')
    print(f'Picture: {args.out}')


if __name__ == '__main__':
    sys.exit(main())
