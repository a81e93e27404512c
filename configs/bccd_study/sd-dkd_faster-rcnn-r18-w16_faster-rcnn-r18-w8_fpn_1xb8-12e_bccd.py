# Hyper-parameters: those of the authors' code for Faster R-CNN; none published.
_base_ = [
    'faster-rcnn_r18-w8_fpn_1xb8-12e_bccd.py',
    '../_base_/teachers/faster-rcnn-r18-w16_bccd.py',
    '../_base_/distill/sd-dkd_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
