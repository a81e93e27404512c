# Hyper-parameters: as published for ResNet32x4 -> ResNet8x4, the closest pair.
_base_ = [
    '../baseline/resnet18_8xb16_cifar100.py',
    '../../_base_/teachers/resnet34_cifar100.py',
    '../../_base_/distill/dist.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
