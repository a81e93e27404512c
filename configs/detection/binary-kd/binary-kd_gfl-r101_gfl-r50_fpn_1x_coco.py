# Hyper-parameters: as published for this pair.
_base_ = [
    'mmdet::gfl/gfl_r50_fpn_1x_coco.py',
    '../../_base_/teachers/gfl-r101_coco.py',
    '../../_base_/distill/binary-kd_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
