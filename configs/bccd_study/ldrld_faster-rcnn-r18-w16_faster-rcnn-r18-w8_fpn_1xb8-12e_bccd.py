# Hyper-parameters: CIFAR-100's with a smaller weight, none published; three of four columns deep.
_base_ = [
    'faster-rcnn_r18-w8_fpn_1xb8-12e_bccd.py',
    '../_base_/teachers/faster-rcnn-r18-w16_bccd.py',
    '../_base_/distill/ldrld_coco.py',
]

_base_.distill.losses.loss_ldrld.depth = 3
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
