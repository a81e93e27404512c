# SDD (CVPR 2024, arXiv 2403.13512) over LDRLD (arXiv 2507.15911) with its CIFAR-100 setting; the
# pair of the two is ours.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_sdd=dict(
            type='mmlogitkd.SDDLoss',
            base=dict(type='mmlogitkd.LDRLDLoss', depth=7, alpha=10.5, beta=7.0),
            scales=(1, 2),
        )
    ),
)
