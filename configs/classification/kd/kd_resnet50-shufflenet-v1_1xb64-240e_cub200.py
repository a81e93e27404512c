# Hyper-parameters: as published for this pair.
_base_ = [
    '../baseline/shufflenet-v1_1xb64-240e_cub200.py',
    '../../_base_/teachers/resnet50_cub200.py',
    '../../_base_/distill/kd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
