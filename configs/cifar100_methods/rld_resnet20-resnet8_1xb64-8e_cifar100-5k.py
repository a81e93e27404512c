# Hyper-parameters: as published for CIFAR-100;
# its warm-up of 20 in 240 epochs is 1 in 12 here, in iterations.
_base_ = [
    'resnet8_1xb64-8e_cifar100-5k.py',
    '../_base_/teachers/resnet20_cifar100-5k.py',
    '../_base_/distill/rld.py',
]

_base_.distill.schedules.loss_rld.update(end=53, by_epoch=False)
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
