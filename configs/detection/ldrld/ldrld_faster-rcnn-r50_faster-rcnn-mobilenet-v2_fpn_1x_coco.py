# Hyper-parameters: those of CIFAR-100 with a smaller weight; none published for detectors.
_base_ = [
    '../baseline/faster-rcnn_mobilenet-v2_fpn_1x_coco.py',
    '../../_base_/teachers/faster-rcnn-r50_coco.py',
    '../../_base_/distill/ldrld_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
