# Hyper-parameters: as published for CIFAR-100, the same for every pair; not the authors' schedule.
_base_ = [
    '../baseline/wrn-16-2_1xb64-240e_cifar100.py',
    '../../_base_/teachers/wrn-40-2_cifar100.py',
    '../../_base_/distill/mlkd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
