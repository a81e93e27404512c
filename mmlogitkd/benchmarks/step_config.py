"""From a training config to the configs of a benchmark's Runners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .step_pairs import LOSSES, Pair

__all__ = ['StepSettings', 'distilled_config', 'plain_config']


@dataclass(frozen=True)
class StepSettings:
    """What a step is made of, in every process alike.

    Attributes:
        config: training config with a ``default_hooks.distill`` block.
        size: pixels of an image's side; of a detector's image the longer one.
        images: batch size.
        loss: config of the loss, None to keep those of the config with their schedules.
        logits: config of the source of logits; only with ``loss``.
        device: ``'cpu'`` or ``'cuda'``.
        amp: None, ``'bfloat16'`` or ``'float16'``: mixed precision, CUDA only.
        threads: of torch; None for its default.
        batches: number of different batches.
        options: entries of the config to override, as ``--cfg-options`` has them.
    """

    config: str
    size: int
    images: int
    loss: Mapping[str, Any] | None = None
    logits: Mapping[str, Any] | None = None
    device: str = 'cpu'
    amp: str | None = None
    threads: int | None = None
    batches: int = 4
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_pair(cls, pair: Pair, loss: str, configs: Path, **others: Any) -> StepSettings:
        """Take what ``pair`` states; ``size`` and ``images`` by device unless given.

        Args:
            pair: student and teacher.
            loss: key of :data:`mmlogitkd.benchmarks.step_pairs.LOSSES`.
            configs: folder of the configs.
            others: the remaining attributes; None stands for the pair's value.
        """
        size, images = pair.cuda if others.get('device') == 'cuda' else pair.cpu
        given = {name: value for name, value in others.items() if value is not None}
        return cls(
            str(configs / pair.config),
            loss=LOSSES[loss],
            logits=pair.logits(loss),
            **{'size': size, 'images': images, **given},
        )


def distilled_config(settings: StepSettings, steps: int, work_dir: Path) -> Config:
    """Return the config of the distilled run, ``steps`` iterations of one epoch.

    Networks, task loss, data preprocessor, optimizer, learning rates and hooks are the config's;
    data are prepared, weights random, and there is no validation and no checkpoint.

    Raises:
        ValueError: the config has no ``default_hooks.distill``.
    """
    config = Config.fromfile(settings.config)
    if 'distill' not in config.get('default_hooks', {}):
        raise ValueError(
            f'{settings.config} has no default_hooks.distill, so there is no teacher to time'
        )
    config.merge_from_dict(dict(settings.options))
    distill = config.default_hooks.distill
    distill.teacher.pop('checkpoint', None)
    distill.teacher.init = 'random'
    if settings.loss is not None:
        for name in ('schedules', 'task_weight', 'logits', 'losses'):
            distill.pop(name, None)
        distill.losses = dict(loss_kd=dict(settings.loss))
        if settings.logits is not None:
            distill.logits = dict(settings.logits)
    config.model.backbone.pop('init_cfg', None)  # nothing is fetched
    config.train_dataloader = _prepared_data(config, settings, steps)
    for phase in ('val', 'test'):
        for part in ('dataloader', 'cfg', 'evaluator'):
            config[f'{phase}_{part}'] = None
    config.train_cfg = dict(by_epoch=True, max_epochs=1, val_interval=2)
    config.default_hooks.checkpoint = dict(type='CheckpointHook', interval=-1, save_last=False)
    config.env_cfg.mp_cfg = dict(mp_start_method='spawn')  # as the process itself was started
    if settings.amp:
        config.optim_wrapper.update(type='AmpOptimWrapper', dtype=settings.amp)
    config.update(
        work_dir=str(work_dir),
        launcher='none',
        load_from=None,
        resume=False,
        log_level='ERROR',
        randomness=dict(seed=0),
    )
    return config


def plain_config(distilled: Config) -> Config:
    """Return the same run without distillation."""
    config = Config(distilled.to_dict())
    del config.default_hooks['distill']
    return config


def _prepared_data(config: Config, settings: StepSettings, steps: int) -> dict[str, Any]:
    """Generated batches in place of the config's data."""
    head = config.model.get('head') or {}
    collate = config.train_dataloader.get('collate_fn', dict(type='pseudo_collate'))
    return dict(
        batch_size=settings.images,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=collate,
        dataset=dict(
            type='mmlogitkd.PreparedImages',
            kind=config.default_scope,
            size=settings.size,
            images=settings.images,
            batches=settings.batches,
            steps=steps,
            num_classes=head.get('num_classes', 3),
        ),
    )
