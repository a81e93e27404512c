# Hyper-parameters: LumiNet's as published for this pair; SDD over it is ours, not published.
_base_ = '../luminet/luminet_resnet32x4-resnet8x4_1xb64-240e_cifar100.py'

_base_.default_hooks.distill.losses = dict(
    loss_luminet=dict(
        type='mmlogitkd.SDDLoss',
        scales=(1, 2),
        base=_base_.default_hooks.distill.losses.loss_luminet,
    )
)
