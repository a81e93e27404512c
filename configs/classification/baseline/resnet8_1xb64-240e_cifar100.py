_base_ = [
    '../../_base_/models/cifar/resnet8.py',
    '../../_base_/datasets/cifar100.py',
    '../../_base_/schedules/cifar100-240e.py',
]
