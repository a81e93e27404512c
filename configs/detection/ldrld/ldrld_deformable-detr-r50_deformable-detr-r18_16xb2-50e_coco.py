# Hyper-parameters: those of CIFAR-100 with a smaller weight; none published for detectors.
_base_ = [
    '../baseline/deformable-detr_r18_16xb2-50e_coco.py',
    '../../_base_/teachers/deformable-detr-r50_coco.py',
    '../../_base_/distill/ldrld_coco-query.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
