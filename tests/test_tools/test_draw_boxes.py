from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from mmengine.config import Config
from PIL import Image

from tests.tiny_two_stage import build, detector_config, evaluation, runner_config, write_coco

pytest.importorskip('mmdet')

Tool = Callable[..., ModuleType]


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wide and a narrow detector, with a config and a checkpoint each."""
    folder = tmp_path_factory.mktemp('boxes')
    write_coco(folder / 'coco')
    for name, width in (('wide', 16), ('narrow', 8)):
        config = detector_config('faster', width)
        torch.save(dict(state_dict=build(config).state_dict()), folder / f'{name}.pth')
        whole = runner_config(config, folder / 'coco', folder / 'unused')
        Config(whole | evaluation(folder / 'coco')).dump(folder / f'{name}.py')
    return folder


def model(folder: Path, name: str, config: str, checkpoint: str) -> list[str]:
    return ['--model', name, str(folder / f'{config}.py'), str(folder / f'{checkpoint}.pth')]


def test_a_picture_of_two_models(tool: Tool, folder: Path, tmp_path: Path, capsys) -> None:
    models = model(folder, 'big one', 'wide', 'wide') + model(folder, 'small', 'narrow', 'narrow')
    options = ['--images', '2', '--score', '0.5', '--device', 'cpu']
    picture = tmp_path / 'new' / 'boxes.png'
    assert tool('draw_boxes').main([*models, *options, '--out', str(picture)]) == 0
    text = capsys.readouterr().out
    assert 'Images 1, 4, boxes that score at least 0.5:' in text
    assert '\n  big one: ' in text and '\n  small: ' in text and 'objects missed' in text
    with Image.open(picture) as image:
        assert image.width == 120 * 3 * 3  # dots per inch, inches, columns

    again = tmp_path / 'again.png'
    tool('draw_boxes').main([*models, *options[2:], '--index', '1', '4', '--out', str(again)])
    assert again.read_bytes() == picture.read_bytes()


def test_what_cannot_be_drawn_is_said(tool: Tool, folder: Path, tmp_path: Path, capsys) -> None:
    draw = tool('draw_boxes').main
    out = ['--device', 'cpu', '--out', str(tmp_path / 'boxes.png')]
    assert draw([*model(folder, 'small', 'narrow', 'wide'), *out]) == 1
    assert 'wide.pth does not fit' in capsys.readouterr().err
    assert draw([*model(folder, 'small', 'narrow', 'narrow'), '--index', '6', *out]) == 1
    assert 'no image 6' in capsys.readouterr().err
    assert draw([*model(folder, 'small', 'narrow', 'gone'), *out]) == 1
    assert 'gone.pth' in capsys.readouterr().err
    assert not (tmp_path / 'boxes.png').exists()
    for wrong, message in (
        (model(folder, 'small', 'narrow', 'narrow') * 2, 'names must differ'),
        ([*model(folder, 'small', 'narrow', 'narrow'), '--images', '0'], 'at least 1, got 0'),
        ([*model(folder, 'small', 'narrow', 'narrow'), '--score', '30'], 'from 0 to 1, got 30'),
    ):
        with pytest.raises(SystemExit):
            draw(wrong)
        assert message in capsys.readouterr().err
