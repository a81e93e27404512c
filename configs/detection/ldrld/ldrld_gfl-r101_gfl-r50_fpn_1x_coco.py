# Hyper-parameters: those of CIFAR-100 with a smaller weight; none published for detectors.
_base_ = [
    'mmdet::gfl/gfl_r50_fpn_1x_coco.py',
    '../../_base_/teachers/gfl-r101_coco.py',
    '../../_base_/distill/ldrld_coco-dense.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
