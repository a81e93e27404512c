# SD-NKD (arXiv 2403.13512) on CIFAR-100. The authors' code keeps the target among NKD's
# non-targets; the base here is NKD as corrected. Their configs give gamma the value of DKD's beta
# for the pair. scales: (1, 2) for similar architectures, (1, 2, 4) for others.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_sdd=dict(
            type='mmlogitkd.SDDLoss',
            scales=(1, 2),
            beta=2.0,
            base=dict(type='mmlogitkd.NKDLoss', gamma=8.0, temperature=4.0),
        )
    ),
    schedules=dict(loss_sdd=dict(type='mmlogitkd.WarmupSchedule', end=20)),
)
