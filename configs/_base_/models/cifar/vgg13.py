_base_ = 'classifier.py'
model = dict(
    backbone=dict(type='mmlogitkd.CIFARVGG', depth=13),
    head=dict(in_channels=512),
)
