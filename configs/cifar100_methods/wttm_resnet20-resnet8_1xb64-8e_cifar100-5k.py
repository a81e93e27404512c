# Hyper-parameters: as published for ResNet32x4 -> ResNet8x4.
_base_ = [
    'resnet8_1xb64-8e_cifar100-5k.py',
    '../_base_/teachers/resnet20_cifar100-5k.py',
    '../_base_/distill/wttm.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
