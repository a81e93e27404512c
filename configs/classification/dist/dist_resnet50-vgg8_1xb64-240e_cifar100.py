# Hyper-parameters: as published for CIFAR-100, the same for every pair.
_base_ = [
    '../baseline/vgg8_1xb64-240e_cifar100.py',
    '../../_base_/teachers/resnet50_cifar100.py',
    '../../_base_/distill/dist.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
