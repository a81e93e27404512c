# SD-DKD (arXiv 2403.13512) on ImageNet, ResNet34 -> ResNet18; no warm-up. Scales by the paper's
# rule, (1, 2) for similar architectures and (1, 2, 4) for others. The authors' ImageNet code takes
# one for both pairs: (1, 2) in its first release, by default (1, 2, 4) later.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_sdd=dict(
            type='mmlogitkd.SDDLoss',
            scales=(1, 2),
            beta=2.0,
            base=dict(type='mmlogitkd.DKDLoss', alpha=1.0, beta=0.5, temperature=1.0),
        )
    ),
)
