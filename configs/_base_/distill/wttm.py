# WTTM (arXiv 2402.11148) for ResNet32x4 -> ResNet8x4 on CIFAR-100.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_wttm=dict(type='mmlogitkd.WTTMLoss', gamma=0.1, loss_weight=3.0)),
)
