# NKD (arXiv 2303.13005) on CIFAR-100, ResNet34 -> ResNet18: the authors' released config.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_nkd=dict(type='mmlogitkd.NKDLoss', gamma=3.5, temperature=3.0)),
)
