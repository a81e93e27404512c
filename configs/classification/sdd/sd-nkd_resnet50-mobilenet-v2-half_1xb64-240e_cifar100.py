# Hyper-parameters: as published for this pair, in the authors' released config.
_base_ = [
    '../baseline/mobilenet-v2-half_1xb64-240e_cifar100.py',
    '../../_base_/teachers/resnet50_cifar100.py',
    '../../_base_/distill/sd-nkd_mobilenet.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
