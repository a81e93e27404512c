# The ResNet-50 for ImageNet (stride 32) on images enlarged to 128x128: its last map is 4x4, like
# that of mmpretrain's ResNet_CIFAR on 32x32, at the same cost.
_base_ = 'mmpretrain::resnet/resnet50_8xb16_cifar100.py'

model = dict(backbone=dict(type='ResNet'))

train_pipeline = [
    dict(type='RandomCrop', crop_size=32, padding=4),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='Resize', scale=(128, 128)),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='Resize', scale=(128, 128)), dict(type='PackInputs')]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
