# The teacher: Faster R-CNN, a third of the epochs.
_base_ = ['../_base_/models/faster-rcnn_r18-w16_fpn.py', '../_base_/datasets/bccd-12e.py']
model = dict(roi_head=dict(bbox_head=dict(num_classes=3)))
