# Hyper-parameters: LDRLD's, as published for ResNet32x4 -> ResNet8x4; SDD over it is ours.
_base_ = [
    'resnet8_1xb64-8e_cifar100-5k.py',
    '../_base_/teachers/resnet20_cifar100-5k.py',
    '../_base_/distill/sd-ldrld.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
