# Hyper-parameters: LumiNet's, as published for ResNet32x4 -> ResNet8x4; SDD over it is ours.
_base_ = 'luminet_resnet20-resnet8_1xb64-8e_cifar100-5k.py'

_base_.default_hooks.distill.losses = dict(
    loss_luminet=dict(
        type='mmlogitkd.SDDLoss',
        scales=(1, 2),
        base=_base_.default_hooks.distill.losses.loss_luminet,
    )
)
