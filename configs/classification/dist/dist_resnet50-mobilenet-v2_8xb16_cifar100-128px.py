# Hyper-parameters: as published for ResNet32x4 -> ResNet8x4, the closest pair.
_base_ = [
    '../baseline/mobilenet-v2_8xb16_cifar100-128px.py',
    '../../_base_/teachers/resnet50_cifar100-128px.py',
    '../../_base_/distill/dist.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
