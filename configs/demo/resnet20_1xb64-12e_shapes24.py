# The teacher.
_base_ = 'resnet8-half_1xb64-10e_shapes24.py'
model = dict(
    backbone=dict(depth=20, channels=(16, 16, 32, 64)),
    head=dict(in_channels=64),
)
param_scheduler = dict(T_max=12)
train_cfg = dict(max_epochs=12, val_interval=12)
default_hooks = dict(checkpoint=dict(interval=12))
