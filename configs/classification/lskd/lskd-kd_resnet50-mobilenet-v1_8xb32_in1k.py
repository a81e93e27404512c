# Hyper-parameters: as published for ResNet34 -> ResNet18, the closest pair.
_base_ = [
    '../baseline/mobilenet-v1_8xb32_in1k.py',
    '../../_base_/teachers/resnet50_in1k.py',
    '../../_base_/distill/lskd-kd_in1k.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
