# The student alone: Faster R-CNN, a third of the epochs.
_base_ = ['../_base_/models/faster-rcnn_r18-w8_fpn.py', '../_base_/datasets/bccd.py']
model = dict(roi_head=dict(bbox_head=dict(num_classes=3)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=50),
    dict(type='CosineAnnealingLR', T_max=12, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=12, val_interval=12)
