# The recipe of mdistiller's Tiny-ImageNet configs, for one GPU with 256 images: that of CIFAR-100
# but for these.
_base_ = 'cifar100-240e.py'
optim_wrapper = dict(optimizer=dict(lr=0.2))
param_scheduler = dict(milestones=[60, 120, 160])
train_cfg = dict(max_epochs=200)
auto_scale_lr = dict(base_batch_size=256)
default_hooks = dict(logger=dict(interval=100))
