# NKD (arXiv 2303.13005) on ImageNet: the authors' released configs of
# ResNet34 -> ResNet18 and ResNet50 -> MobileNetV1; the latter also clips gradients to a norm of 5.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_nkd=dict(type='mmlogitkd.NKDLoss', gamma=1.5, temperature=1.0)),
)
