_base_ = [
    '../../_base_/models/cifar/vgg13.py',
    '../../_base_/datasets/cub200.py',
    '../../_base_/schedules/cub200-240e.py',
]

model = dict(**_base_.classifier)
