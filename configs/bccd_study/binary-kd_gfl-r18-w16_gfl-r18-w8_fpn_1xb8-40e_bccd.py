# Hyper-parameters: as published for GFL on COCO.
_base_ = [
    'gfl_r18-w8_fpn_1xb8-40e_bccd.py',
    '../_base_/teachers/gfl-r18-w16_bccd.py',
    '../_base_/distill/binary-kd_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
