# Hyper-parameters: as published for ResNet50 -> MobileNetV1; released versions for this pair vary.
_base_ = [
    'mmpretrain::resnet/resnet18_8xb32_in1k.py',
    '../../_base_/teachers/resnet34_in1k.py',
    '../../_base_/distill/luminet_in1k.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
