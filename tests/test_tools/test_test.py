import json
import pickle
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from mmengine.config import Config

from tests.test_tools.test_train import prepared
from tests.tiny import build, classifier_config

Tool = Callable[..., ModuleType]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict=build(classifier_config(4)).state_dict()), path)
    return path


def test_metrics_and_predictions_agree(
    tool: Tool, config_file: Path, checkpoint: Path, tmp_path: Path
) -> None:
    common = (config_file, checkpoint, '--work-dir', tmp_path / 'run', '--out')
    tool('test', *common, tmp_path / 'metrics.json', '--out-item', 'metrics').main()
    tool('test', *common, tmp_path / 'predictions.pkl').main()
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    predictions = pickle.loads((tmp_path / 'predictions.pkl').read_bytes())
    assert len(predictions) == 10
    right = [int(p['pred_label']) == int(p['gt_label']) for p in predictions]
    assert metrics['accuracy/top1'] == pytest.approx(100 * sum(right) / 10)


def test_checkpoint_is_the_one_that_is_tested(
    tool: Tool, config_file: Path, checkpoint: Path, tmp_path: Path
) -> None:
    def predictions(path: Path) -> list[dict]:
        out = tmp_path / f'{path.stem}.pkl'
        tool('test', config_file, path, '--work-dir', tmp_path / 'run', '--out', out).main()
        return pickle.loads(out.read_bytes())

    state = torch.load(checkpoint)['state_dict']
    bias = next(key for key in state if key.endswith('fc.bias'))
    state[bias] = torch.tensor([0.0, 0.0, 1e3, 0.0, 0.0])
    other = tmp_path / 'always_two.pth'
    torch.save(dict(state_dict=state), other)
    assert {int(p['pred_label']) for p in predictions(other)} == {2}
    assert any(int(p['pred_label']) != 2 for p in predictions(checkpoint))


@pytest.mark.parametrize(
    'arguments', [('--out-item', 'metrics'), ('--out', 'predictions.json')], ids=lambda a: a[0]
)
def test_results_that_cannot_be_written_stop_at_once(
    tool: Tool, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        tool('test', 'config.py', 'model.pth', *arguments).parse_args()
    assert '--out' in capsys.readouterr().err


def test_drawing_switches_the_hook_on(tool: Tool, config_file: Path, tmp_path: Path) -> None:
    flags = ('--show-dir', 'drawn', '--interval', 3)
    hook = prepared(tool, 'test', config_file, 'm.pth', *flags).default_hooks.visualization
    assert (hook.enable, hook.out_dir, hook.interval, hook.show) == (True, 'drawn', 3, False)
    plain = prepared(tool, 'test', config_file, 'm.pth').default_hooks.visualization
    assert 'enable' not in plain
    detector = tmp_path / 'detector.py'
    hooks = dict(visualization=dict(type='DetVisualizationHook'))
    Config(dict(model=dict(type='mmdet.RetinaNet'), default_hooks=hooks)).dump(detector)
    hook = prepared(tool, 'test', detector, 'm.pth', *flags).default_hooks.visualization
    assert (hook.draw, hook.test_out_dir, hook.interval) == (True, 'drawn', 3)
    config_file.write_text('default_hooks = dict()')
    with pytest.raises(ValueError, match='visualization'):
        prepared(tool, 'test', config_file, 'm.pth', '--show')


def test_augmentation_flips_and_wraps(tool: Tool, tmp_path: Path) -> None:
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackDetInputs', meta_keys=('img_id',))]
    inner = dict(type='CocoDataset', pipeline=pipeline)
    loader = dict(dataset=dict(type='RepeatDataset', times=2, dataset=inner))
    path = tmp_path / 'detector.py'
    content = dict(default_scope='mmdet', model=dict(type='RetinaNet'), test_dataloader=loader)
    Config(content).dump(path)
    config = prepared(tool, 'test', path, 'm.pth', '--tta')
    assert config.model.type == 'mmdet.DetTTAModel'
    assert config.model.module.type == 'RetinaNet'
    load, augment = config.test_dataloader.dataset.dataset.pipeline
    assert load.type == 'LoadImageFromFile'
    flips, (pack,) = augment.transforms
    assert [flip.prob for flip in flips] == [1.0, 0.0]
    assert {'flip', 'flip_direction', 'scale_factor'} <= set(pack.meta_keys)


def test_augmentation_without_a_default_says_what_is_missing(tool: Tool, tmp_path: Path) -> None:
    path = tmp_path / 'other.py'
    Config(dict(default_scope='mmseg', model=dict(type='Segmentor'))).dump(path)
    with pytest.raises(ValueError, match='tta_model'):
        prepared(tool, 'test', path, 'm.pth', '--tta')
