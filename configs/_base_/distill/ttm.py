# TTM (arXiv 2402.11148) for ResNet32x4 -> ResNet8x4 on CIFAR-100.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_ttm=dict(type='mmlogitkd.TTMLoss', gamma=0.1, loss_weight=100.0)),
)
