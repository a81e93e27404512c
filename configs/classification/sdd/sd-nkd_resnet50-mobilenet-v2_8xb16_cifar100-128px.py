# Hyper-parameters: as published for CIFAR-100, ResNet50 -> MobileNetV2 of the CIFAR kind.
_base_ = [
    '../baseline/mobilenet-v2_8xb16_cifar100-128px.py',
    '../../_base_/teachers/resnet50_cifar100-128px.py',
    '../../_base_/distill/sd-nkd_mobilenet.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
