# Hyper-parameters: those of ResNet32x4 -> ShuffleNetV2 on CIFAR-100, the closest published.
_base_ = [
    '../baseline/shufflenet-v2_1xb256-200e_tiny-imagenet.py',
    '../../_base_/teachers/resnet18_tiny-imagenet.py',
    '../../_base_/distill/sd-kd_mobilenet.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
