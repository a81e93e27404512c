# Hyper-parameters: as published for GFL, the closest.
_base_ = [
    'mmdet::atss/atss_r50_fpn_1x_coco.py',
    '../../_base_/teachers/atss-r101_coco.py',
    '../../_base_/distill/binary-kd_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
