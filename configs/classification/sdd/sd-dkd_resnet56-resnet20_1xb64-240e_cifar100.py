# Hyper-parameters: as published for this pair, in the authors' released config; scales by rule.
_base_ = [
    '../baseline/resnet20_1xb64-240e_cifar100.py',
    '../../_base_/teachers/resnet56_cifar100.py',
    '../../_base_/distill/sd-dkd.py',
]

_base_.distill.losses.loss_sdd.base.update(beta=2.0)
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
