# Hyper-parameters: those of ResNet32x4 -> ResNet8x4 on CIFAR-100, the closest published.
_base_ = [
    '../baseline/mobilenet-v2-half_1xb64-240e_cub200.py',
    '../../_base_/teachers/vgg13_cub200.py',
    '../../_base_/distill/ldrld.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
