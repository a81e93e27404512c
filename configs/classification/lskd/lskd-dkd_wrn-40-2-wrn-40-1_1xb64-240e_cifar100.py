# Hyper-parameters: as published for this pair, in the name of the authors' log.
_base_ = [
    '../baseline/wrn-40-1_1xb64-240e_cifar100.py',
    '../../_base_/teachers/wrn-40-2_cifar100.py',
    '../../_base_/distill/lskd-dkd.py',
]

_base_.distill.losses.loss_lskd.base.update(alpha=12.0, beta=24.0)
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
