_base_ = 'classifier.py'
model = dict(
    backbone=dict(type='mmlogitkd.CIFARResNet', depth=32, channels=(32, 64, 128, 256)),
    head=dict(in_channels=256, init_cfg=None),  # PyTorch's own
)
