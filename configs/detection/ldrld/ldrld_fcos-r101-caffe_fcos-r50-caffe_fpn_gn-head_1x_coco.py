# Hyper-parameters: those of CIFAR-100 with a smaller weight; none published for detectors.
_base_ = [
    'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    '../../_base_/teachers/fcos-r101-caffe_coco.py',
    '../../_base_/distill/ldrld_coco-dense.py',
]

default_hooks = dict(distill=dict(**_base_.distill, teacher=_base_.teacher))
