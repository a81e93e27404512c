_base_ = 'classifier.py'
model = dict(
    backbone=dict(type='mmlogitkd.CIFARMobileNetV2', widen_factor=0.5, expand_ratio=6),
    head=dict(in_channels=1280),
)
