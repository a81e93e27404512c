# KD (arXiv 1503.02531) on ImageNet, as the distillation tables run it.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_kd=dict(type='mmlogitkd.KDLoss', temperature=1.0, loss_weight=0.5)),
    task_weight=0.5,
)
