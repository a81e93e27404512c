# DKD on standardised logits (arXiv 2403.01427) on CIFAR-100, as the authors' corrected script sets
# it: a weight of 9 times DKD's alpha 1 and beta 8, at a temperature of 2.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_lskd=dict(
            type='mmlogitkd.StandardizedLoss',
            base=dict(type='mmlogitkd.DKDLoss', alpha=9.0, beta=72.0, temperature=2.0),
        )
    ),
    schedules=dict(loss_lskd=dict(type='mmlogitkd.WarmupSchedule', end=20)),
)
