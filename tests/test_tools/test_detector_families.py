"""The program that tries the detector families."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip('mmdet')

Tool = Callable[..., ModuleType]


def test_one_that_distils_and_one_that_is_refused(
    tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / 'table.md'
    arguments = ('--size', '64', '--steps', '1', '--out', str(out))
    main = tool('detector_families').main
    assert main(['--only', 'yolox', 'CenterNet', *arguments]) == 0
    shown = capsys.readouterr().out
    assert '[1/2] YOLOX: yes' in shown and '[2/2] CenterNet: refused, CenterNetHead' in shown
    yolox, centernet = out.read_text().splitlines()[2:]
    assert yolox.startswith('| YOLOX | BinaryKDLoss |') and '× 80 |' in yolox
    assert centernet.startswith('| CenterNet | refused |')


def test_errors_are_shown_and_change_the_exit_status(
    tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    main = tool('detector_families').main
    assert main(['--only', 'YOLOX', '--device', 'nowhere']) == 1
    assert 'YOLOX: error, RuntimeError' in capsys.readouterr().out


def test_names_and_numbers_that_do_not_exist(
    tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    main = tool('detector_families').main
    assert main(['--list']) == 0
    assert 'Mask R-CNN\n' in capsys.readouterr().out
    assert main(['--only', 'R-CNN']) == 2
    assert 'r-cnn' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(['--size', '32'])
    assert '--size must be at least 64' in capsys.readouterr().err
