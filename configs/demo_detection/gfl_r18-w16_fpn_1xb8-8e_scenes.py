# The teacher: GFL.
_base_ = ['../_base_/models/gfl_r18-w16_fpn.py', '../_base_/datasets/shape-scenes.py']
model = dict(bbox_head=dict(num_classes=12))
