# Hyper-parameters: those of CIFAR-100, the closest; none published for ImageNet.
_base_ = [
    'mmpretrain::resnet/resnet18_8xb32_in1k.py',
    '../../_base_/teachers/resnet34_in1k.py',
    '../../_base_/distill/lskd-kd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
