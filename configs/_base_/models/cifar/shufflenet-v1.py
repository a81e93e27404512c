_base_ = 'classifier.py'
model = dict(
    backbone=dict(type='mmlogitkd.CIFARShuffleNetV1'),
    head=dict(in_channels=960, init_cfg=None),  # PyTorch's own
)
