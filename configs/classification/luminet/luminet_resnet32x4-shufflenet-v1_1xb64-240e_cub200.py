# Hyper-parameters: those of WRN-40-2 -> ShuffleNetV1 on CIFAR-100, the closest published.
_base_ = [
    '../baseline/shufflenet-v1_1xb64-240e_cub200.py',
    '../../_base_/teachers/resnet32x4_cub200.py',
    '../../_base_/distill/luminet_shufflenet.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
