# Hyper-parameters: as published for this pair, in the authors' released config.
# Unlike for SD-KD and SD-DKD, the authors' command of this pair has scales (1, 2).
_base_ = [
    '../baseline/vgg8_1xb64-240e_cifar100.py',
    '../../_base_/teachers/resnet50_cifar100.py',
    '../../_base_/distill/sd-nkd.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
