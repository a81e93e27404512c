# Hyper-parameters: as published for this pair.
_base_ = [
    'mmpretrain::resnet/resnet18_8xb32_in1k.py',
    '../../_base_/teachers/resnet34_in1k.py',
    '../../_base_/distill/lskd-kd_in1k.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
