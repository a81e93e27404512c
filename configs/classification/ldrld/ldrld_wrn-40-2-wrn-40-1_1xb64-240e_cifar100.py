# Hyper-parameters: as published for ResNet32x4 -> ResNet8x4, the only pair.
_base_ = [
    '../baseline/wrn-40-1_1xb64-240e_cifar100.py',
    '../../_base_/teachers/wrn-40-2_cifar100.py',
    '../../_base_/distill/ldrld.py',
    '../../_base_/schedules/lr-warmup-20e.py',
]

param_scheduler = [_base_.lr_warmup, _base_.param_scheduler]
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
