# Hyper-parameters: as published for Faster R-CNN, the closest.
_base_ = [
    '../baseline/mask-rcnn_r18_fpn_1x_coco.py',
    '../../_base_/teachers/mask-rcnn-r50_coco.py',
    '../../_base_/distill/dkd_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
