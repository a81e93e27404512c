# GDKD (arXiv 2512.04625) for ResNet32x4 -> ResNet8x4 on CIFAR-100.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_gdkd=dict(type='mmlogitkd.GDKDLoss', topk=5, w0=1.0, w1=2.0, w2=8.0, temperature=4.0)
    ),
    schedules=dict(loss_gdkd=dict(type='mmlogitkd.WarmupSchedule', end=20)),
)
