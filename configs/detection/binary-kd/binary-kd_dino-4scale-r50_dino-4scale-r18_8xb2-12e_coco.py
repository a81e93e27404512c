# Hyper-parameters: as published for GFL, the closest.
_base_ = [
    '../baseline/dino-4scale_r18_8xb2-12e_coco.py',
    '../../_base_/teachers/dino-4scale-r50_coco.py',
    '../../_base_/distill/binary-kd_coco-query.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
