# What tools/benchmarks times of one-stage detectors: both networks with mmdet's 1x recipe.
_base_ = ['mmdet::retinanet/retinanet_r18_fpn_1x_coco.py', '../_base_/distill/binary-kd_coco.py']

teacher = dict(config='mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', init='random')
logits = dict(type='mmlogitkd.DenseHeadLogits', rows='foreground')
default_hooks = dict(distill=dict(**{**_base_.distill, 'logits': logits}, teacher=teacher))
