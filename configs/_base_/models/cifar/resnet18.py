_base_ = 'classifier.py'
model = dict(
    backbone=dict(type='ResNet_CIFAR', depth=18, zero_init_residual=False),
    head=dict(in_channels=512, init_cfg=None),  # PyTorch's own
)
