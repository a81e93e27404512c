# The student alone: 12 epochs on 12,500 images, the literature's recipe of 240 epochs scaled down.
_base_ = ['mmpretrain::_base_/default_runtime.py']
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(
        num_classes=100, mean=[129.31, 124.11, 112.40], std=[68.21, 65.41, 70.41], to_rgb=False
    ),  # the dataset yields RGB
    backbone=dict(type='mmlogitkd.CIFARResNet', depth=8, channels_last=True),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=100, in_channels=64, init_cfg=None),
)

dataset = dict(type='mmlogitkd.CIFAR100Subset', data_root='data/cifar100')
loader = dict(batch_size=64, num_workers=0, persistent_workers=False)
train_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        **dataset,
        split='train',
        num_images=12500,
        pipeline=[
            dict(type='RandomCrop', crop_size=32, padding=4),
            dict(type='RandomFlip', prob=0.5, direction='horizontal'),
            dict(type='PackInputs'),
        ],
    ),
)
val_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**dataset, split='test', pipeline=[dict(type='PackInputs')]),
)
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_dataloader = val_dataloader
test_evaluator = val_evaluator

optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
# 150, 180 and 210 of 240 epochs, in iterations: 196 an epoch.
param_scheduler = dict(type='MultiStepLR', by_epoch=False, milestones=[1470, 1764, 2058], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=12, val_interval=3)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=49), checkpoint=dict(interval=1, max_keep_ckpts=1))
randomness = dict(seed=0)
