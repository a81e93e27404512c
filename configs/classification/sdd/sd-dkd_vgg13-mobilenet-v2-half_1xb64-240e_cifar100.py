# Hyper-parameters: as published for this pair, in the authors' released config.
_base_ = [
    '../baseline/mobilenet-v2-half_1xb64-240e_cifar100.py',
    '../../_base_/teachers/vgg13_cifar100.py',
    '../../_base_/distill/sd-dkd_mobilenet.py',
]

_base_.distill.losses.loss_sdd.base.update(beta=6.0)
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
