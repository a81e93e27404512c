# Hyper-parameters: as published for GFL, the closest.
_base_ = [
    'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    '../../_base_/teachers/fcos-r101-caffe_coco.py',
    '../../_base_/distill/binary-kd_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
