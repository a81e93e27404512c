# KD on standardised logits (arXiv 2403.01427) on CIFAR-100.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_lskd=dict(
            type='mmlogitkd.StandardizedLoss',
            base=dict(type='mmlogitkd.KDLoss', temperature=2.0),
            loss_weight=9.0,
        )
    ),
    task_weight=0.1,
)
