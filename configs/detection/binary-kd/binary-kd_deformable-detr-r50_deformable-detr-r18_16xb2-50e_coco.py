# Hyper-parameters: as published for GFL, the closest.
_base_ = [
    '../baseline/deformable-detr_r18_16xb2-50e_coco.py',
    '../../_base_/teachers/deformable-detr-r50_coco.py',
    '../../_base_/distill/binary-kd_coco-query.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
