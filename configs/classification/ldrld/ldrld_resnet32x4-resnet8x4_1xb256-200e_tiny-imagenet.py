# Hyper-parameters: those of this pair on CIFAR-100, the closest published.
_base_ = [
    '../baseline/resnet8x4_1xb256-200e_tiny-imagenet.py',
    '../../_base_/teachers/resnet32x4_tiny-imagenet.py',
    '../../_base_/distill/ldrld.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
