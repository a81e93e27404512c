# Hyper-parameters: as published for this pair, in the name of the authors' log.
_base_ = [
    '../baseline/resnet20_1xb64-240e_cifar100.py',
    '../../_base_/teachers/resnet56_cifar100.py',
    '../../_base_/distill/lskd-kd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
