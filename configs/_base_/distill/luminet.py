# LumiNet (arXiv 2310.03669) for ResNet32x4 -> ResNet8x4 on CIFAR-100.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_luminet=dict(type='mmlogitkd.LumiNetLoss', alpha=33.0, temperature=4.0)),
    schedules=dict(loss_luminet=dict(type='mmlogitkd.WarmupSchedule', end=20)),
    task_weight=2.0,
)
