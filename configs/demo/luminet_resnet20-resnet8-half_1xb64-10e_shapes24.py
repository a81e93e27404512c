# Hyper-parameters: as published for ResNet32x4 -> ResNet8x4; its warm-up of 20 in 240
# epochs is 32 in 380 iterations here.
_base_ = [
    'resnet8-half_1xb64-10e_shapes24.py',
    '../_base_/teachers/resnet20_shapes24.py',
    '../_base_/distill/luminet.py',
]

_base_.distill.schedules.loss_luminet.update(end=32, by_epoch=False)
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
