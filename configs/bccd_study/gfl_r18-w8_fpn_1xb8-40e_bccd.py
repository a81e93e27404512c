# The student alone: GFL.
_base_ = ['../_base_/models/gfl_r18-w8_fpn.py', '../_base_/datasets/bccd.py']
model = dict(bbox_head=dict(num_classes=3))
