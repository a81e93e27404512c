# The student alone: resnet8 with half the channels, on generated images.
_base_ = ['mmpretrain::_base_/default_runtime.py']
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(
        num_classes=24,
        mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5],
        to_rgb=False,  # the dataset yields RGB
    ),
    backbone=dict(
        type='mmlogitkd.CIFARResNet', depth=8, channels=(8, 8, 16, 32), channels_last=True
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=24, in_channels=32, init_cfg=None),
)

dataset = dict(type='mmlogitkd.FineGrainedShapes', num_images=2400, image_size=24)
loader = dict(batch_size=64, num_workers=0, persistent_workers=False)
crop = dict(type='RandomCrop', crop_size=24, padding=2)
train_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**dataset, split='train', pipeline=[crop, dict(type='PackInputs')]),
)
val_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**dataset, split='test', pipeline=[dict(type='PackInputs')]),
)
val_evaluator = dict(type='Accuracy', topk=(1,))
test_dataloader = val_dataloader
test_evaluator = val_evaluator

optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
param_scheduler = dict(type='CosineAnnealingLR', T_max=10, convert_to_iter_based=True)
train_cfg = dict(by_epoch=True, max_epochs=10, val_interval=10)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    logger=dict(interval=19),
    checkpoint=dict(interval=10, save_optimizer=False, save_param_scheduler=False),
)
randomness = dict(seed=0)
