_base_ = 'classifier.py'
model = dict(
    backbone=dict(type='mmlogitkd.CIFARWideResNet', depth=16, widen_factor=1),
    head=dict(
        in_channels=64,
        # PyTorch's own weights, uniform within 1 / sqrt(in_channels), but biases of 0
        init_cfg=dict(
            type='Kaiming',
            layer='Linear',
            a=5**0.5,
            mode='fan_in',
            nonlinearity='leaky_relu',
            distribution='uniform',
        ),
    ),
)
