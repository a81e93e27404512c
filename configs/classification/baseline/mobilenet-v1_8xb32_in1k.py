# The literature's recipe is that of ResNet: 100 epochs, 0.1 for a batch of 256.
_base_ = 'mmpretrain::resnet/resnet18_8xb32_in1k.py'

model = dict(
    backbone=dict(_delete_=True, type='mmlogitkd.MobileNetV1'),
    head=dict(in_channels=1024),
)
