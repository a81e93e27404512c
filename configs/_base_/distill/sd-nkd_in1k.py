# SD-NKD (arXiv 2403.13512) on ImageNet, ResNet34 -> ResNet18; no warm-up. In the authors' code
# the setting called beta is NKD's gamma. Scales: see sd-dkd_in1k.py.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_sdd=dict(
            type='mmlogitkd.SDDLoss',
            scales=(1, 2),
            beta=2.0,
            base=dict(type='mmlogitkd.NKDLoss', gamma=0.5, temperature=1.0),
        )
    ),
)
