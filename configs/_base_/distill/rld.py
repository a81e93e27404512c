# RLD (arXiv 2408.07703) on CIFAR-100.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_rld=dict(
            type='mmlogitkd.RLDLoss',
            alpha=1.0,
            beta=8.0,
            temperature=4.0,
            alpha_temperature=1.0,
        )
    ),
    schedules=dict(loss_rld=dict(type='mmlogitkd.WarmupSchedule', end=20)),
)
