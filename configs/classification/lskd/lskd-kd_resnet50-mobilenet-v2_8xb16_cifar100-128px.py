# Hyper-parameters: as published for CIFAR-100, ResNet50 -> MobileNetV2 of the CIFAR kind.
_base_ = [
    '../baseline/mobilenet-v2_8xb16_cifar100-128px.py',
    '../../_base_/teachers/resnet50_cifar100-128px.py',
    '../../_base_/distill/lskd-kd.py',
]

_base_.distill.losses.loss_lskd.base.update(temperature=3.0)
_base_.distill.losses.loss_lskd.update(loss_weight=1.0)
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
