# Hyper-parameters: those of ResNet32x4 -> ResNet8x4 on CIFAR-100, the closest published.
_base_ = [
    '../baseline/mobilenet-v2-half_1xb256-200e_tiny-imagenet.py',
    '../../_base_/teachers/resnet50_tiny-imagenet.py',
    '../../_base_/distill/ldrld.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
