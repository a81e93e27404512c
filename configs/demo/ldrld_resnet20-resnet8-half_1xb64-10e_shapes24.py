# Hyper-parameters: as published for ResNet32x4 -> ResNet8x4.
_base_ = [
    'resnet8-half_1xb64-10e_shapes24.py',
    '../_base_/teachers/resnet20_shapes24.py',
    '../_base_/distill/ldrld.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
