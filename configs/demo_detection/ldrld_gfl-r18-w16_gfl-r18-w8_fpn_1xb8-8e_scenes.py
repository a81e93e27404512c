# Hyper-parameters: those of CIFAR-100 with a smaller weight; none published for detectors.
_base_ = [
    'gfl_r18-w8_fpn_1xb8-8e_scenes.py',
    '../_base_/teachers/gfl-r18-w16_scenes.py',
    '../_base_/distill/ldrld_coco-dense.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
