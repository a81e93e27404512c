# Hyper-parameters: as published for this pair, in the authors' released config; scales by rule.
_base_ = [
    '../baseline/wrn-40-1_1xb64-240e_cifar100.py',
    '../../_base_/teachers/wrn-40-2_cifar100.py',
    '../../_base_/distill/sd-kd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
