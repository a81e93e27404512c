# Hyper-parameters: as published for this pair, in the authors' released config; scales by rule.
_base_ = [
    '../baseline/resnet8x4_1xb64-240e_cifar100.py',
    '../../_base_/teachers/resnet32x4_cifar100.py',
    '../../_base_/distill/sd-dkd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
