# Hyper-parameters: as published for ResNet32x4 -> ResNet8x4; half the weight of each is ours.
_base_ = 'luminet_resnet20-resnet8_1xb64-8e_cifar100-5k.py'

default_hooks = dict(
    distill=dict(
        losses=dict(
            loss_luminet=dict(loss_weight=0.5),
            loss_ldrld=dict(type='mmlogitkd.LDRLDLoss', loss_weight=0.5),
        ),
        task_weight=1.5,
    )
)
