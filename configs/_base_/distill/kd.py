# KD (arXiv 1503.02531) on CIFAR-100, as all distillation tables run it.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_kd=dict(type='mmlogitkd.KDLoss', temperature=4.0, loss_weight=0.9)),
    task_weight=0.1,
)
