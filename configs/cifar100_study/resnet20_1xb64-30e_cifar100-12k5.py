# The teacher: the student's images and recipe, but 30 epochs.
_base_ = 'resnet8_1xb64-12e_cifar100-12k5.py'
model = dict(backbone=dict(depth=20))
param_scheduler = dict(milestones=[3675, 4410, 5145])
train_cfg = dict(max_epochs=30, val_interval=5)
