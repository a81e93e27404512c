# Hyper-parameters: as published for CIFAR-100.
_base_ = [
    'resnet8_1xb64-8e_cifar100-5k.py',
    '../_base_/teachers/resnet20_cifar100-5k.py',
    '../_base_/distill/mlkd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
