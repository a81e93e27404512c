# Hyper-parameters: LSKD's, as published for CIFAR-100; SDD over it is ours.
_base_ = 'lskd-dkd_resnet20-resnet8_1xb64-8e_cifar100-5k.py'

_base_.default_hooks.distill.losses = dict(
    loss_lskd=dict(
        type='mmlogitkd.SDDLoss',
        scales=(1, 2),
        base=_base_.default_hooks.distill.losses.loss_lskd,
    )
)
