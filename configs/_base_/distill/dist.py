# DIST (arXiv 2205.10536) on CIFAR-100.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_dist=dict(
            type='mmlogitkd.DISTLoss', beta=1.0, gamma=1.0, temperature=4.0, loss_weight=2.0
        )
    ),
)
