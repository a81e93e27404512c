# Hyper-parameters: those of this pair on CIFAR-100, the closest published.
_base_ = [
    '../baseline/vgg8_1xb256-200e_tiny-imagenet.py',
    '../../_base_/teachers/vgg13_tiny-imagenet.py',
    '../../_base_/distill/sd-kd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
