# CUB-200-2011 as SDD's released code (arXiv 2403.13512) feeds it: images of any shape squeezed to
# 256x256, crops of 224 and flips, 64 a batch. The files are read as the official archive has them.
_base_ = 'mmpretrain::_base_/datasets/cub_bs8_448.py'
data_preprocessor = None  # it is the model's own, see classifier

# What a network of configs/_base_/models/cifar must take over for this set.
classifier = dict(
    data_preprocessor=dict(
        num_classes=200,
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    head=dict(num_classes=200),
)

# Pillow's resizing is that of the released code: it averages where it shrinks.
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(256, 256), backend='pillow'),
    dict(type='RandomCrop', crop_size=224),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(256, 256), backend='pillow'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=64, num_workers=8, drop_last=True, dataset=dict(pipeline=train_pipeline)
)
val_dataloader = dict(batch_size=64, num_workers=8, dataset=dict(pipeline=test_pipeline))
val_evaluator = dict(topk=(1, 5))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
