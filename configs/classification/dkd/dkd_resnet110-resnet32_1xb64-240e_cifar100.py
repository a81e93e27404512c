# Hyper-parameters: as published for this pair, in the authors' released config.
_base_ = [
    '../baseline/resnet32_1xb64-240e_cifar100.py',
    '../../_base_/teachers/resnet110_cifar100.py',
    '../../_base_/distill/dkd.py',
]

_base_.distill.losses.loss_dkd.update(beta=2.0)
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
