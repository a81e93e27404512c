# Hyper-parameters: as published for this pair.
_base_ = [
    'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    '../../_base_/teachers/faster-rcnn-r101_coco.py',
    '../../_base_/distill/dkd_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
