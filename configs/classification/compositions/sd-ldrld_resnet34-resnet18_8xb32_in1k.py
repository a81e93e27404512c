# Hyper-parameters: LDRLD's as published for CIFAR-100; the pair with SDD is ours.
_base_ = [
    'mmpretrain::resnet/resnet18_8xb32_in1k.py',
    '../../_base_/teachers/resnet34_in1k.py',
    '../../_base_/distill/sd-ldrld.py',
]

default_hooks = dict(
    distill=dict(
        **_base_.distill,
        teacher=_base_.teacher,
        logits=dict(type='mmlogitkd.ClassifierLogits', pooling='nested'),
    )
)
