# Hyper-parameters: as published for this pair.
_base_ = [
    '../baseline/shufflenet-v2_1xb256-200e_tiny-imagenet.py',
    '../../_base_/teachers/resnet18_tiny-imagenet.py',
    '../../_base_/distill/kd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
