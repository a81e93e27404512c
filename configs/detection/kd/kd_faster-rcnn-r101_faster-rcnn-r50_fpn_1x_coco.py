# Hyper-parameters: DKD's temperature and weight on COCO; none published for KD there.
_base_ = [
    'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    '../../_base_/teachers/faster-rcnn-r101_coco.py',
    '../../_base_/distill/kd_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
