from pathlib import Path

import pytest
from mmengine.config import Config

from mmlogitkd.benchmarks.prepared import PreparedImages
from mmlogitkd.benchmarks.step_config import StepSettings, distilled_config, plain_config
from mmlogitkd.benchmarks.step_options import cases_of, step_parser
from mmlogitkd.benchmarks.step_pairs import LOSSES, PAIRS, choose_pairs, loss_names
from mmlogitkd.benchmarks.step_roles import ask_teacher, train
from mmlogitkd.benchmarks.steps import StepTimes, measure_step, step_report
from mmlogitkd.hooks import LogitDistillHook
from mmlogitkd.losses import LogitLoss
from mmlogitkd.registry import HOOKS, MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'


def test_a_distilled_run_is_held_between_its_iterations(step_settings, in_thread):
    with in_thread(train, step_settings, 3, True) as line:
        line.send('step')
        assert set(line.recv()) == {'seconds'}
        line.send('watched')
        answer = line.recv()
        parts = answer['parts']
        assert min(parts.values()) > 0
        assert parts['teacher'] < parts['collect'] < answer['seconds']
        assert not line.poll(0.05)  # it waits
        line.send('profile')
        assert 'aten::convolution' in line.recv()['table']


def test_the_teacher_alone_does_what_the_distilled_run_asks(step_settings, in_thread):
    with in_thread(ask_teacher, step_settings, 2) as line:
        for _ in range(2):
            line.send('step')
            assert line.recv()['seconds'] > 0


def test_plain_and_distilled_differ_by_the_hook_only(step_settings, tmp_path):
    distilled = distilled_config(step_settings, 2, tmp_path)
    assert distilled.default_hooks.distill.teacher.init == 'random'
    assert 'checkpoint' not in distilled.default_hooks.distill.teacher
    plain = plain_config(distilled).to_dict()
    whole = distilled.to_dict()
    del whole['default_hooks']['distill']
    assert plain == whole


def test_loss_and_options_replace_those_of_the_config(step_settings, tmp_path):
    settings = StepSettings(
        **vars(step_settings)
        | dict(loss=LOSSES['SD-KD'], options={'optim_wrapper.optimizer.lr': 0.5})
    )
    config = distilled_config(settings, 2, tmp_path)
    assert config.default_hooks.distill.losses == dict(loss_kd=LOSSES['SD-KD'])
    assert config.optim_wrapper.optimizer.lr == 0.5


def test_a_config_without_distillation_is_refused(tmp_path):
    path = tmp_path / 'plain.py'
    Config(dict(model=dict(type='X'), default_hooks=dict())).dump(path)
    with pytest.raises(ValueError, match='no teacher to time'):
        distilled_config(StepSettings(str(path), 16, 2), 1, tmp_path)


@pytest.mark.parametrize('pair', PAIRS, ids=lambda pair: pair.name)
def test_pairs_are_what_the_target_names(pair, tmp_path):
    settings = StepSettings.of_pair(pair, pair.loss, CONFIGS)
    config = distilled_config(settings, 2, tmp_path)
    hook = HOOKS.build(config.default_hooks.distill)
    assert isinstance(hook, LogitDistillHook)
    assert pair.losses()[0] == pair.loss
    assert (settings.size, settings.images) == pair.cpu
    assert StepSettings.of_pair(pair, pair.loss, CONFIGS, device='cuda', images=3).images == 3


def test_every_loss_is_listed_and_builds():
    listed = {config['type'].removeprefix('mmlogitkd.') for config in LOSSES.values()}
    assert listed == {
        name
        for name, module in MODELS.module_dict.items()
        if isinstance(module, type) and issubclass(module, LogitLoss)
    }
    for config in LOSSES.values():
        assert isinstance(MODELS.build(dict(config)), LogitLoss)


def test_choosing_by_name():
    [retina] = choose_pairs(['retinanet r50-r18'])
    assert loss_names(retina, None) == ['Binary KD']
    assert loss_names(retina, ['kd', 'sd-kd']) == ['KD']  # a row of a dense head has no regions
    every = loss_names(retina, ['all'])
    assert every[0] == 'Binary KD' and len(every) == len(LOSSES) - 2
    with pytest.raises(ValueError, match='no such pairs'):
        choose_pairs(['R18'])
    with pytest.raises(ValueError, match='no such losses'):
        loss_names(retina, ['CE'])


@pytest.mark.parametrize(
    'arguments',
    [
        ['--size', '0'],
        ['--amp', 'bfloat16'],
        ['--pairs', 'no'],
        ['--losses', 'SD-KD', '--pairs', 'RetinaNet R50-R18'],
    ],
)
def test_wrong_arguments_end_the_program(arguments, capsys):
    parser = step_parser('')
    with pytest.raises(SystemExit):
        cases_of(parser, parser.parse_args(arguments), CONFIGS)
    assert arguments[0].strip('-').split('-')[0] in capsys.readouterr().err


def test_prepared_images_repeat_their_batches_and_are_not_changed():
    data = PreparedImages('mmpretrain', size=8, images=2, batches=2, steps=3, num_classes=4)
    assert len(data) == 6
    assert (data[0]['inputs'] == data[4]['inputs']).all()
    assert (data[0]['inputs'] != data[2]['inputs']).any()
    data[0]['data_samples'].gt_label += 10
    assert data[0]['data_samples'].gt_label < 4
    with pytest.raises(IndexError):
        data[6]
    boxes = PreparedImages('mmdet', size=64, images=1, batches=1, steps=1)[0]
    assert len(boxes['data_samples'].gt_instances) > 1


def test_the_ratio_is_taken_within_rounds(tmp_path):
    times = StepTimes([1.0, 2.0, 9.0], [1.0, 2.0, 1.0], [2.2, 4.4, 10.0], {})
    assert times.ratio == pytest.approx(1.1)
    row = times.row() | dict(pair='P', loss='KD', size=32, images=4, target=1.03)
    assert row['overhead'] == pytest.approx(0.2)
    report = step_report({})
    report.rows += [row, row | dict(target=None)]
    first, second = report.markdown().splitlines()[2:]
    assert '1.100 (missed)' in first
    assert 'missed' not in second


@pytest.mark.full
def test_three_processes(step_settings):
    times = measure_step(step_settings, rounds=2, warm_up=1, watched=1, with_profile=True)
    assert len(times.distilled) == len(times.student) == len(times.teacher) == 2
    assert set(times.parts) == {'teacher', 'losses', 'adapter', 'rest'}
    assert 'aten::convolution' in times.profile
