# Tiny-ImageNet as mdistiller feeds it: 64x64 images, turned by up to 20 degrees and flipped, 256 a
# batch. Labels are the places of the sorted WordNet ids. tools/prepare_tiny_imagenet.py writes
# val.txt; all else is read as the official archive has it.
dataset_type = 'CustomDataset'
data_root = 'data/tiny-imagenet-200'

# What a network of configs/_base_/models/cifar must take over for this set: mdistiller's
# statistics, times 255.
classifier = dict(
    data_preprocessor=dict(
        num_classes=200,
        mean=[0.4802 * 255, 0.4481 * 255, 0.3975 * 255],
        std=[0.2302 * 255, 0.2265 * 255, 0.2262 * 255],
        to_rgb=True,
    ),
    head=dict(num_classes=200),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Rotate', magnitude_range=(0, 20), pad_val=0, prob=1.0, random_negative_prob=0.5),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]

train_dataloader = dict(
    batch_size=256,
    num_workers=8,
    persistent_workers=True,
    dataset=dict(
        type=dataset_type, data_root=data_root, data_prefix='train', pipeline=train_pipeline
    ),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=256,
    num_workers=8,
    persistent_workers=True,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='val.txt',
        data_prefix='val/images',
        pipeline=test_pipeline,
    ),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
