# Hyper-parameters: CIFAR-100's with a smaller weight, none published; depth: all seven classes.
_base_ = [
    'gfl_r18-w8_fpn_1xb8-30e_aquarium.py',
    '../_base_/teachers/gfl-r18-w16_aquarium.py',
    '../_base_/distill/ldrld_coco-dense.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
