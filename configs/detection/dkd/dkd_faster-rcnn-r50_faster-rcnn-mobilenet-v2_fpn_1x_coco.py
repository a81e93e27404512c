# Hyper-parameters: as published for this pair.
_base_ = [
    '../baseline/faster-rcnn_mobilenet-v2_fpn_1x_coco.py',
    '../../_base_/teachers/faster-rcnn-r50_coco.py',
    '../../_base_/distill/dkd_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
