# Hyper-parameters: as published for CIFAR-100, pairs of similar architecture.
_base_ = [
    'resnet8-half_1xb64-10e_shapes24.py',
    '../_base_/teachers/resnet20_shapes24.py',
    '../_base_/distill/sd-kd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
