# Hyper-parameters: as published for this pair, in the name of the authors' log.
_base_ = [
    '../baseline/shufflenet-v2_1xb64-240e_cifar100.py',
    '../../_base_/teachers/resnet32x4_cifar100.py',
    '../../_base_/distill/lskd-dkd.py',
]

_base_.distill.losses.loss_lskd.base.update(alpha=9.0, beta=72.0, temperature=2.0)
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
