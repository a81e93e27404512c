_base_ = [
    '../../_base_/models/cifar/shufflenet-v1.py',
    '../../_base_/datasets/cifar100.py',
    '../../_base_/schedules/cifar100-240e.py',
]

optim_wrapper = dict(optimizer=dict(lr=0.01))
