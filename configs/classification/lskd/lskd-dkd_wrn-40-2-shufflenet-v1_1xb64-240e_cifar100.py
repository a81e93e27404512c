# Hyper-parameters: as published for CIFAR-100, the default; no log of this pair is released.
_base_ = [
    '../baseline/shufflenet-v1_1xb64-240e_cifar100.py',
    '../../_base_/teachers/wrn-40-2_cifar100.py',
    '../../_base_/distill/lskd-dkd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
