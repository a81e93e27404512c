# SD-KD (arXiv 2403.13512) on CIFAR-100. scales: (1, 2) where teacher and student are of
# similar architecture, (1, 2, 4) where not.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_sdd=dict(
            type='mmlogitkd.SDDLoss',
            scales=(1, 2),
            beta=2.0,
            base=dict(type='mmlogitkd.KDLoss', temperature=4.0),
            loss_weight=0.9,
        )
    ),
    task_weight=0.1,
)
