# The recipe of the literature's CIFAR-100 tables, for one GPU with 64 images. Networks of the
# MobileNet and ShuffleNet kind take a learning rate of 0.01.
_base_ = 'mmpretrain::_base_/default_runtime.py'
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
param_scheduler = dict(type='MultiStepLR', milestones=[150, 180, 210], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=240, val_interval=10)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=64)
default_hooks = dict(
    logger=dict(interval=200),
    checkpoint=dict(interval=10, max_keep_ckpts=1),
)
randomness = dict(seed=0)
