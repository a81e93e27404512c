_base_ = 'classifier.py'
model = dict(
    backbone=dict(type='mmlogitkd.CIFARShuffleNetV2'),
    head=dict(in_channels=1024, init_cfg=None),  # PyTorch's own
)
