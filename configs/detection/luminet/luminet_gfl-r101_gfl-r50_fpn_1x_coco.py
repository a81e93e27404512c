# Hyper-parameters: those of ImageNet, the closest; none published for detectors.
_base_ = [
    'mmdet::gfl/gfl_r50_fpn_1x_coco.py',
    '../../_base_/teachers/gfl-r101_coco.py',
    '../../_base_/distill/luminet_coco-dense.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
