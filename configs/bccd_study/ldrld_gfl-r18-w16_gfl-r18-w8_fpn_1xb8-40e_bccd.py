# Hyper-parameters: none published for detectors; the depth is all three classes.
_base_ = [
    'gfl_r18-w8_fpn_1xb8-40e_bccd.py',
    '../_base_/teachers/gfl-r18-w16_bccd.py',
    '../_base_/distill/ldrld_coco-dense.py',
]

_base_.distill.losses.loss_ldrld.depth = 3
default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
