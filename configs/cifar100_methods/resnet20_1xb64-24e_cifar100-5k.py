# The teacher: the student's images and recipe, but 24 epochs.
_base_ = 'resnet8_1xb64-8e_cifar100-5k.py'
model = dict(backbone=dict(depth=20))
param_scheduler = dict(milestones=[1185, 1422, 1659])
train_cfg = dict(max_epochs=24)
