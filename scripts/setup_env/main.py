"""The order of the set-up, and its command line."""

import argparse
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.setup_env import torchvision
from scripts.setup_env.console import SetupError, say
from scripts.setup_env.environment import ROOT, Environment
from scripts.setup_env.mmcv import Mmcv
from scripts.setup_env.state import digest

LINES = {'onedl': ('.venv', 'onedl-mmcv'), 'upstream': ('.venv-upstream', 'mmcv')}
INPUTS = ('constraints.txt', 'setup.py', 'mmlogitkd/version.py')


def main(arguments: Sequence[str]) -> int:
    """Set up what the command line asks for; return the exit status."""
    options = parse(arguments)
    start = time.monotonic()
    try:
        set_up(options)
    except SetupError as error:
        say(f'\nSet-up stopped: {error}')
        return 1
    except KeyboardInterrupt:
        say('\nSet-up interrupted; the same command goes on where it stopped.')
        return 130
    say(f'Environment {options.venv} is ready ({time.monotonic() - start:.1f} s).')
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog='python3 -m scripts.setup_env',
        description='Build the environment that the demo and the tests run in.',
    )
    parser.add_argument('--line', choices=LINES, default='onedl', help='which distribution')
    parser.add_argument('--venv', type=Path, help='where the environment is, or shall be')
    parser.add_argument('--torch', default='', help='another torch than the constraints name')
    parser.add_argument('--detection', action='store_true', help='also the ops of mmcv')
    parser.add_argument('--tests', action='store_true', help='also these and the test tools')
    options = parser.parse_args(arguments)
    options.venv = (options.venv or ROOT / LINES[options.line][0]).absolute()
    return options


def set_up(options: argparse.Namespace) -> None:
    """Bring the environment to the stage that is asked for; finished stages cost nothing."""
    env = Environment(options.venv, ROOT / 'constraints.txt')
    with env.state.lock():
        key = stage_key(options.line, options.torch)
        wanted = 3 if options.tests else 2 if options.detection else 1
        stages = (('base', base_stage), ('detection', detection_stage), ('tests', tests_stage))
        for name, stage in stages[:wanted]:
            intact = env.python.exists() and not env.state.was_stopped()
            if not (intact and env.state.is_done(name, key)):
                stage(env, options)
                env.state.set_done(name, key)


def stage_key(line: str, torch: str) -> str:
    """Return what a stage depends on, so that a change of it repeats the stage."""
    files = [ROOT / name for name in INPUTS] + list(Path(__file__).parent.glob('*.py'))
    return digest(files, line, torch, str(ROOT), '.'.join(map(str, sys.version_info[:2])))


def base_stage(env: Environment, options: argparse.Namespace) -> None:
    """Set up classification: torch, the ecosystem, and mmcv without ops."""
    env.create()
    env.constraints = constraints_for(options.torch, env.state.folder)
    env.install('Installing torch', 'torch', 'setuptools', 'wheel', 'ninja', step='torch')
    env.install(
        'Installing mmlogitkd',
        *('--no-deps', '--no-build-isolation', '-e', ROOT),
        step='mmlogitkd',
    )
    env.install(f'Installing mmlogitkd[{options.line}]', f'mmlogitkd[{options.line}]', step='line')
    replace_opencv_without_display(env)  # before what imports it is checked
    torchvision.install(env)
    mmcv_of(env, options).install_without_ops()
    check(env, 'mmengine', 'mmcv', 'mmpretrain.apis', 'mmlogitkd')


def detection_stage(env: Environment, options: argparse.Namespace) -> None:
    """Add what detection needs: the compiled ops of mmcv."""
    env.constraints = constraints_for(options.torch, env.state.folder)
    mmcv_of(env, options).install_with_ops()
    check(env, 'mmcv.ops', 'mmdet.apis')


def tests_stage(env: Environment, options: argparse.Namespace) -> None:
    """Add what the tests and the checks need."""
    env.constraints = constraints_for(options.torch, env.state.folder)
    extras = 'test,mim' if options.line == 'onedl' else 'test'
    env.install(f'Installing mmlogitkd[{extras}]', f'mmlogitkd[{extras}]', step='test')
    check(env, 'pytest')


def mmcv_of(env: Environment, options: argparse.Namespace) -> Mmcv:
    """Return the mmcv of the line at its pinned version."""
    distribution = LINES[options.line][1]
    return Mmcv(env, distribution, pins(env.constraints)[distribution])


def pins(constraints: Path) -> dict[str, str]:
    """Return the version of each package in a constraints file."""
    return dict(re.findall(r'^([\w-]+)==(\S+)', constraints.read_text(), flags=re.MULTILINE))


def constraints_for(torch: str, folder: Path) -> Path:
    """Return the constraints file, rewritten if the user wants another torch."""
    original = ROOT / 'constraints.txt'
    if not torch:
        return original
    text = re.sub(r'(?m)^torch==.*$', f'torch=={torch}', original.read_text())
    partner = torchvision.partner_of(torch)
    text = re.sub(r'(?m)^torchvision==.*$', f'torchvision=={partner}', text)
    changed = folder / 'constraints.txt'
    changed.write_text(text)
    return changed


def replace_opencv_without_display(env: Environment) -> None:
    """Put the headless OpenCV over the other where the machine has no display libraries.

    The ecosystem requires ``opencv-python``, which needs libGL; ``opencv-python-headless`` has the
    same files without that need.
    """
    if env.error_of('import cv2'):
        env.install(
            'Installing OpenCV without display libraries',
            *('--no-deps', '--force-reinstall', 'opencv-python-headless'),
            step='opencv',
        )
        check(env, 'cv2')


def check(env: Environment, *modules: str) -> None:
    """Import modules inside the environment.

    Raises:
        SetupError: One of them fails; the message holds its traceback.
    """
    error = env.error_of(f'import {", ".join(modules)}')
    if error:
        raise SetupError(f'The environment is not usable: import {", ".join(modules)}\n{error}')
