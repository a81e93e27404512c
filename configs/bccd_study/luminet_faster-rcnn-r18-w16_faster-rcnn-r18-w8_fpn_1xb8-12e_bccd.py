# Hyper-parameters: those of ImageNet, the closest; none published for detectors.
_base_ = [
    'faster-rcnn_r18-w8_fpn_1xb8-12e_bccd.py',
    '../_base_/teachers/faster-rcnn-r18-w16_bccd.py',
    '../_base_/distill/luminet_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
