_base_ = [
    '../../_base_/models/cifar/vgg8.py',
    '../../_base_/datasets/tiny-imagenet.py',
    '../../_base_/schedules/tiny-imagenet-200e.py',
]

model = dict(backbone=dict(pools=4), **_base_.classifier)
