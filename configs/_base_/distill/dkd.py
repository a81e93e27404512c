# DKD (arXiv 2203.08679) on CIFAR-100. The authors change beta for some pairs: 2 for
# ResNet56 -> ResNet20 and ResNet110 -> ResNet32, 6 for VGG13 and WRN-40-2 into their own kind.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_dkd=dict(type='mmlogitkd.DKDLoss', alpha=1.0, beta=8.0, temperature=4.0)),
    schedules=dict(loss_dkd=dict(type='mmlogitkd.WarmupSchedule', end=20)),
)
