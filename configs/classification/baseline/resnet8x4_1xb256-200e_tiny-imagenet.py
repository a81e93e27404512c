_base_ = [
    '../../_base_/models/cifar/resnet8x4.py',
    '../../_base_/datasets/tiny-imagenet.py',
    '../../_base_/schedules/tiny-imagenet-200e.py',
]

model = dict(**_base_.classifier)
