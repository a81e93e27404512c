_base_ = 'classifier.py'
model = dict(
    backbone=dict(type='mmlogitkd.CIFARResNet', depth=8),
    head=dict(in_channels=64, init_cfg=None),  # PyTorch's own
)
