# SD-DKD (arXiv 2403.13512) on CIFAR-100. The base's beta is 6 for VGG13 -> any and WRN-40-2 ->
# {MobileNetV2, WRN}. scales: (1, 2) for similar architectures, (1, 2, 4) for others.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_sdd=dict(
            type='mmlogitkd.SDDLoss',
            scales=(1, 2),
            beta=2.0,
            base=dict(type='mmlogitkd.DKDLoss', alpha=1.0, beta=8.0, temperature=4.0),
        )
    ),
    schedules=dict(loss_sdd=dict(type='mmlogitkd.WarmupSchedule', end=20)),
)
