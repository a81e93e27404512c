"""The hook in real runs: what it adds, and what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from tests.tiny import build, classifier_config, full_config

Make = Callable[..., Runner]


def logged(runner: Runner) -> list[dict]:
    """The training lines of the run's log."""
    [file] = Path(runner.work_dir).glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in file.read_text().splitlines()]


def weights(runner: Runner) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in runner.model.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


ALL_KINDS: dict[str, dict] = dict(
    loss_kd=dict(type='mmlogitkd.KDLoss'),
    loss_ldrld=dict(type='mmlogitkd.LDRLDLoss', depth=3),
    loss_luminet=dict(type='mmlogitkd.LumiNetLoss'),
    loss_sdd=dict(type='mmlogitkd.SDDLoss', base=dict(type='mmlogitkd.DKDLoss'), scales=(1, 2)),
)


EVERY_EPOCH: dict[str, Any] = dict(
    default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1))
)


def test_all_weights_zero_is_bit_equal_to_the_plain_student(make_runner: Make, distill) -> None:
    plain = make_runner('plain')
    plain.train()
    losses = {name: dict(loss, loss_weight=0.0) for name, loss in ALL_KINDS.items()}
    zero = make_runner('zero', distill(losses=losses))
    zero.train()
    assert same(weights(plain), weights(zero))
    trained = make_runner('trained', distill(losses=ALL_KINDS))
    trained.train()
    assert not same(weights(plain), weights(trained))


def test_disabled_is_bit_equal_and_needs_no_teacher(make_runner: Make) -> None:
    plain = make_runner('plain')
    plain.train()
    off = make_runner('off', dict(type='mmlogitkd.LogitDistillHook', enabled=False))
    off.train()
    assert same(weights(plain), weights(off))


def test_every_term_and_weight_is_logged_by_name(make_runner: Make, distill) -> None:
    schedules = dict(loss_kd=dict(type='mmlogitkd.WarmupSchedule', end=4))
    runner = make_runner(
        'run', distill(losses=ALL_KINDS, schedules=schedules, task_weight=0.5), epochs=2
    )
    runner.train()
    lines = logged(runner)
    assert len(lines) == 6
    terms = ['loss_kd', 'loss_ldrld', 'loss_luminet', 'loss_sdd']
    for line in lines:
        assert all(line[term] > 0 for term in terms)
    assert [line['weight_kd'] for line in lines] == [0.25] * 3 + [0.5] * 3
    assert all(line['weight_ldrld'] == 1 for line in lines)


def test_the_total_is_the_weighted_sum(make_runner: Make, distill) -> None:
    schedules = dict(loss_kd=dict(type='mmlogitkd.WarmupSchedule', end=3, by_epoch=False))
    plain = make_runner('plain', epochs=1)
    plain.train()
    losses = dict(loss_kd=dict(type='mmlogitkd.KDLoss', loss_weight=2.0))
    runner = make_runner(
        'run', distill(losses=losses, schedules=schedules, task_weight=0.25), epochs=1
    )
    # the first step starts from the same weights and sees the same images
    runner.train()
    first, task = logged(runner)[0], logged(plain)[0]['loss']
    assert first['loss'] == pytest.approx(0.25 * task + first['loss_kd'], rel=1e-5)
    assert first['loss_task'] == pytest.approx(0.25 * task, rel=1e-6)
    assert first['weight_kd'] == pytest.approx(2 / 3)


@pytest.mark.parametrize('priority', ['VERY_HIGH', 'VERY_LOW'])
def test_the_checkpoint_is_a_plain_students(make_runner: Make, distill, priority: str) -> None:
    """In either order of the hooks, EMA copies and averages the student alone."""
    ema = dict(type='EMAHook', momentum=0.1, priority='NORMAL')
    hook = distill(losses=ALL_KINDS, priority=priority)
    runner = make_runner('run', hook, custom_hooks=[ema], **EVERY_EPOCH)
    runner.train()
    checkpoint = torch.load(Path(runner.work_dir) / 'epoch_2.pth', weights_only=False)
    student = build(classifier_config(4))
    assert checkpoint['state_dict'].keys() == student.state_dict().keys()
    student.load_state_dict(checkpoint['state_dict'], strict=True)
    averaged = {key.removeprefix('module.') for key in checkpoint['ema_state_dict']}
    assert averaged == student.state_dict().keys() | {'steps'}
    stored = checkpoint['optimizer']['param_groups'][0]['params']
    assert len(stored) == len(list(student.parameters()))
    assert 'mmlogitkd' not in str(checkpoint['state_dict'].keys())


def test_after_train_nothing_is_left_on_the_student(make_runner: Make, distill) -> None:
    runner = make_runner('run', distill(losses=ALL_KINDS))
    runner.train()
    for module in runner.model.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks


def test_the_teacher_learns_nothing(make_runner: Make, distill, teacher_file: Path) -> None:
    plain = dict(distill()['teacher'], fast=False)  # a fused model has other tensors
    runner = make_runner('run', distill(teacher=plain, losses=ALL_KINDS))
    runner.train()
    [hook] = [h for h in runner.hooks if type(h).__name__ == 'LogitDistillHook']
    teacher = hook.distiller.teacher.model
    saved = torch.load(teacher_file)['state_dict']
    assert same({k: v for k, v in teacher.state_dict().items()}, saved)
    assert not any(module.training for module in teacher.modules())
    assert not any(p.requires_grad or p.grad is not None for p in teacher.parameters())


@pytest.mark.parametrize('by_epoch', [True, False])
def test_resume_is_bit_equal(make_runner: Make, distill, by_epoch: bool) -> None:
    schedules = dict(loss_kd=dict(type='mmlogitkd.CosineSchedule', end=4))
    if by_epoch:
        loop: dict[str, Any] = dict(train_cfg=dict(by_epoch=True, max_epochs=4))
        first = EVERY_EPOCH | dict(train_cfg=dict(by_epoch=True, max_epochs=2))
        last = 'epoch_2.pth'
    else:
        schedules['loss_kd']['by_epoch'] = False
        sampler = dict(type='InfiniteSampler', shuffle=False)
        data = dict(
            batch_size=24,
            num_workers=0,
            collate_fn=dict(type='default_collate'),
            sampler=sampler,
            dataset=dict(type='TinyImages', num_classes=5, length=24),
        )
        common = dict(
            train_dataloader=data,
            log_processor=dict(by_epoch=False),
            param_scheduler=None,
            default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False)),
        )
        loop = common | dict(train_cfg=dict(by_epoch=False, max_iters=4))
        first = common | dict(train_cfg=dict(by_epoch=False, max_iters=2))
        last = 'iter_2.pth'
    hook = distill(losses=ALL_KINDS, schedules=schedules)
    straight = make_runner('straight', hook, epochs=4, **loop)
    straight.train()
    half = make_runner('half', hook, epochs=4, **first)
    half.train()
    rest = make_runner(
        'rest', hook, epochs=4, resume=True, load_from=str(Path(half.work_dir) / last), **loop
    )
    rest.train()
    assert same(weights(straight), weights(rest))
    assert logged(straight)[-1]['loss_ldrld'] == logged(rest)[-1]['loss_ldrld']
    assert logged(straight)[-1]['weight_kd'] == logged(rest)[-1]['weight_kd']


def test_gradient_accumulation_equals_one_large_step(make_runner: Make, distill) -> None:
    """Per-row losses over two half batches: the same gradient as over the whole."""
    losses = {name: ALL_KINDS[name] for name in ('loss_kd', 'loss_ldrld', 'loss_sdd')}

    def run(name: str, batch: int, counts: int) -> dict[str, torch.Tensor]:
        model = classifier_config(4)
        model['backbone']['norm_cfg'] = dict(type='GN', num_groups=2)  # no statistics of the batch
        runner = make_runner(
            name,
            distill(losses=losses),
            epochs=1,
            model=model,
            train_dataloader=dict(
                batch_size=batch,
                num_workers=0,
                collate_fn=dict(type='default_collate'),
                sampler=dict(type='DefaultSampler', shuffle=False),
                dataset=dict(type='TinyImages', num_classes=5, length=16),
            ),
            optim_wrapper=dict(
                type='OptimWrapper', accumulative_counts=counts, optimizer=dict(type='SGD', lr=0.05)
            ),
        )
        runner.train()
        return weights(runner)

    whole, halves = run('whole', 16, 1), run('halves', 8, 2)
    for key, value in whole.items():
        torch.testing.assert_close(value, halves[key], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    'wrapper',
    [
        dict(type='CPUAutocastOptimWrapper'),
        pytest.param(
            dict(type='AmpOptimWrapper', dtype='bfloat16'),
            marks=pytest.mark.skipif(
                not torch.cuda.is_available(), reason='AmpOptimWrapper needs CUDA'
            ),
        ),
    ],
)
def test_autocast(make_runner: Make, distill, wrapper: dict) -> None:
    optim_wrapper = wrapper | dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9))
    hook = distill(losses=ALL_KINDS)
    plain = make_runner('plain', hook)
    plain.train()
    halved = make_runner('halved', hook, optim_wrapper=optim_wrapper)
    [attached] = [h for h in halved.hooks if type(h).__name__ == 'LogitDistillHook']
    dtypes = set()
    attached.distiller.losses['loss_kd'].register_forward_hook(
        lambda _, args, output: dtypes.add((args[0].dtype, args[1].dtype, output.dtype))
    )
    halved.train()
    assert dtypes == {(torch.bfloat16, torch.bfloat16, torch.float32)}
    for term in ALL_KINDS:
        assert logged(halved)[0][term] == pytest.approx(logged(plain)[0][term], rel=0.2)


@pytest.mark.parametrize('part', ['backbone.layer1', 'backbone.layer4'])
def test_activation_checkpointing_changes_nothing(make_runner: Make, distill, part: str) -> None:
    hook = distill(losses=ALL_KINDS)
    plain = make_runner('plain', hook)
    plain.train()
    spared = make_runner('spared', hook, activation_checkpointing=[part])
    spared.train()
    for key, value in weights(plain).items():
        # recomputation feeds batch-norm statistics twice, in the plain student's run too
        if 'running' not in key and 'num_batches' not in key:
            torch.testing.assert_close(value, weights(spared)[key], rtol=1e-5, atol=1e-6)


def test_torch_compile_changes_nothing(make_runner: Make, distill) -> None:
    hook = distill(losses=ALL_KINDS)
    plain = make_runner('plain', hook)
    plain.train()
    compiled = make_runner('compiled', hook, compile=dict(backend='aot_eager'))
    compiled.train()
    for key, value in weights(plain).items():
        torch.testing.assert_close(value, weights(compiled)[key], rtol=1e-3, atol=1e-4)
    for one, other in zip(logged(plain), logged(compiled), strict=True):
        assert all(one[term] == pytest.approx(other[term], rel=1e-3) for term in ALL_KINDS)


def test_mixed_labels_are_soft_for_the_losses(make_runner: Make, distill) -> None:
    model = classifier_config(4, train_cfg=dict(augments=[dict(type='Mixup', alpha=0.8)]))
    base = dict(type='mmlogitkd.KDLoss')
    soft = dict(
        loss_kd=base,
        loss_ldrld=ALL_KINDS['loss_ldrld'],
        loss_luminet=ALL_KINDS['loss_luminet'],
        loss_sdd=dict(type='mmlogitkd.SDDLoss', base=base, scales=(1, 2)),
    )
    runner = make_runner('soft', distill(losses=soft), model=model)
    runner.train()
    assert all(line[name] > 0 for line in logged(runner) for name in soft)
    refused = make_runner(
        'hard', distill(losses=dict(loss_dkd=dict(type='mmlogitkd.DKDLoss'))), model=model
    )
    with pytest.raises(ValueError, match=r'soft labels .*batch_augments'):
        refused.train()


def test_command_line_overrides_reach_the_loss(distill) -> None:
    config = Config(dict(default_hooks=dict(distill=distill())))
    config.merge_from_dict({'default_hooks.distill.losses.loss_kd.temperature': 2})
    from mmengine.registry import HOOKS

    hook = HOOKS.build(config.default_hooks.distill)
    assert hook.distiller.losses['loss_kd'].temperature == 2


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(losses=None), 'it needs'),
        (dict(teacher=None), 'it needs'),
        (dict(losses=dict(kd=dict(type='mmlogitkd.KDLoss'))), "contain 'loss'.*'loss_kd'"),
        (dict(losses=dict(loss_x=dict(type='mmpretrain.CrossEntropyLoss'))), 'CrossEntropyLoss'),
        (dict(losses=dict(loss=dict(type='mmlogitkd.KDLoss'))), "MMEngine's name for the sum"),
        (dict(task_weight=-1.0), 'task_weight=-1.0'),
        (dict(schedules=dict(loss_x=dict(type='mmlogitkd.StopSchedule', begin=2))), 'loss_x'),
        (dict(teacher=dict(config='x.py')), "init='random'"),
        (dict(teacher=dict(config='x.py', checkpoint='a', classes='yes')), "classes='yes'"),
    ],
)
def test_bad_configs_are_refused_when_the_runner_is_built(
    make_runner: Make, distill, change: dict, message: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        make_runner('run', distill(**change))


def test_a_loss_name_of_the_students_is_refused(make_runner: Make, distill) -> None:
    runner = make_runner('run', distill(losses=dict(loss_task=dict(type='mmlogitkd.KDLoss'))))
    with pytest.raises(ValueError, match=r"\['loss_task'\].*rename"):
        runner.train()


def test_a_stopped_loss_and_its_teacher_do_not_run(make_runner: Make, distill) -> None:
    stop = dict(loss_kd=dict(type='mmlogitkd.StopSchedule', begin=2))
    plain = dict(distill()['teacher'], fast=False)  # the fast path's proof runs it more often
    runner = make_runner('run', distill(teacher=plain, schedules=stop), epochs=2)
    [hook] = [h for h in runner.hooks if type(h).__name__ == 'LogitDistillHook']
    calls = []
    build_teacher = hook.distiller.teacher.build

    def counted(*args: Any, **kwargs: Any) -> Any:
        teacher = build_teacher(*args, **kwargs)
        teacher.model.register_forward_hook(lambda *_: calls.append(runner.epoch))
        return teacher

    hook.distiller.teacher.build = counted
    runner.train()
    assert calls == [0, 0, 0]
    assert [line['loss_kd'] > 0 for line in logged(runner)] == [True] * 3 + [False] * 3


def test_nothing_of_a_step_is_kept(make_runner: Make, distill) -> None:
    """Neither graph nor activations outlive a step: every recorded tensor can be collected."""
    import gc

    from mmengine.hooks import Hook

    class Count(Hook):
        priority = 'VERY_LOW'
        alive: list[int]

        def after_train_epoch(self, runner: Runner) -> None:
            gc.collect()
            self.alive.append(sum(isinstance(o, torch.Tensor) for o in gc.get_objects()))

    runner = make_runner('run', distill(losses=ALL_KINDS), epochs=4)
    count = Count()
    count.alive = []
    runner.register_hook(count)
    runner.train()
    assert count.alive[3] <= count.alive[1]


def test_the_teacher_is_the_config_file_of_a_package(make_runner: Make, distill) -> None:
    """`pkg::path` resolves inside the installed package."""
    teacher = dict(config='mmpretrain::resnet/resnet18_8xb32_in1k.py', init='random')
    runner = make_runner('run', distill(teacher=teacher))
    with pytest.raises(ValueError, match=r'5.*1000'):
        runner.train()
    assert full_config(classifier_config())['default_scope'] == 'mmpretrain'
