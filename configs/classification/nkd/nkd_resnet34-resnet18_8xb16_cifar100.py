# Hyper-parameters: as published for this pair.
_base_ = [
    '../baseline/resnet18_8xb16_cifar100.py',
    '../../_base_/teachers/resnet34_cifar100.py',
    '../../_base_/distill/nkd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
