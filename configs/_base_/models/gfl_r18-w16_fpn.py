# Twice the channels.
_base_ = 'gfl_r18-w8_fpn.py'
model = dict(
    backbone=dict(base_channels=16),
    neck=dict(in_channels=[32, 64, 128], out_channels=32),
    bbox_head=dict(in_channels=32, feat_channels=32),
)
