# SD-KD (arXiv 2403.13512) on ImageNet. The authors state no setting of SD-KD there: temperature and
# weights are those of KD on ImageNet.
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
