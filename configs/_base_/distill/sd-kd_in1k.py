# SD-KD (arXiv 2403.13512) on ImageNet. The authors' released config of SD-KD there sets DKD's
# values, which SD-KD does not read: temperature and weights are those of KD on ImageNet.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_sdd=dict(
            type='mmlogitkd.SDDLoss',
            scales=(1, 2),
            beta=2.0,
            base=dict(type='mmlogitkd.KDLoss', temperature=1.0),
            loss_weight=0.5,
        )
    ),
    task_weight=0.5,
)
