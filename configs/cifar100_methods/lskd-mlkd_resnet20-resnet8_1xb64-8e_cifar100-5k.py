# Hyper-parameters: MLKD's and LSKD's weight, as published for CIFAR-100; on one view it is ours.
_base_ = 'mlkd_resnet20-resnet8_1xb64-8e_cifar100-5k.py'

_base_.default_hooks.distill.losses = dict(
    loss_mlkd=dict(
        type='mmlogitkd.StandardizedLoss',
        loss_weight=9.0,
        base=dict(type='mmlogitkd.MLKDLoss', temperatures=(2, 3, 4, 5, 6)),
    )
)
