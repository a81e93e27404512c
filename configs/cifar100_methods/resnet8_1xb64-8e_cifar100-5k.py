# The student alone: the recipe of ../cifar100_study on 5,000 images and 8 epochs.
_base_ = '../cifar100_study/resnet8_1xb64-12e_cifar100-12k5.py'
train_dataloader = dict(dataset=dict(num_images=5000))
# 150, 180 and 210 of 240 epochs, in iterations: 79 an epoch.
param_scheduler = dict(milestones=[395, 474, 553])
train_cfg = dict(max_epochs=8, val_interval=8)
