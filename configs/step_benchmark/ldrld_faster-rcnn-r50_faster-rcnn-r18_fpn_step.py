# What tools/benchmarks times of two-stage detectors: both networks with mmdet's 1x recipe.
_base_ = ['../detection/baseline/faster-rcnn_r18_fpn_1x_coco.py', '../_base_/distill/ldrld_coco.py']

teacher = dict(config='mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', init='random')
default_hooks = dict(distill=dict(**_base_.distill, teacher=teacher))
