# Hyper-parameters: as published for WRN-40-2 -> WRN-40-1, the closest pair.
_base_ = [
    '../baseline/wrn-16-2_1xb64-240e_cifar100.py',
    '../../_base_/teachers/wrn-40-2_cifar100.py',
    '../../_base_/distill/luminet_wrn.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
