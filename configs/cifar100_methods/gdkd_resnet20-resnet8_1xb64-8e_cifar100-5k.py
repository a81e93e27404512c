# Hyper-parameters: as published for ResNet32x4 -> ResNet8x4;
# its warm-up of 20 in 240 epochs is 1 in 12 here, in iterations.
_base_ = [
    'resnet8_1xb64-8e_cifar100-5k.py',
    '../_base_/teachers/resnet20_cifar100-5k.py',
    '../_base_/distill/gdkd.py',
]

_base_.distill.schedules.loss_gdkd.update(end=53, by_epoch=False)
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
