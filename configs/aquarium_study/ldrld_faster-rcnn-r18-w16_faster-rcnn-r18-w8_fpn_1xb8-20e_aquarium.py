# Hyper-parameters: those of CIFAR-100 with a smaller weight; none published for detectors.
_base_ = [
    'faster-rcnn_r18-w8_fpn_1xb8-20e_aquarium.py',
    '../_base_/teachers/faster-rcnn-r18-w16_aquarium.py',
    '../_base_/distill/ldrld_coco.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
