# Hyper-parameters: as published for ResNet32x4 -> ResNet8x4, the closest pair.
_base_ = [
    '../baseline/resnet32_1xb64-240e_cifar100.py',
    '../../_base_/teachers/resnet110_cifar100.py',
    '../../_base_/distill/luminet.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
