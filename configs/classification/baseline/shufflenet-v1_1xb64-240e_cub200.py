_base_ = [
    '../../_base_/models/cifar/shufflenet-v1.py',
    '../../_base_/datasets/cub200.py',
    '../../_base_/schedules/cub200-240e.py',
]

model = dict(
    backbone=dict(_delete_=True, type='mmlogitkd.LargeStem', network=_base_.model.backbone),
    **_base_.classifier,
)
optim_wrapper = dict(optimizer=dict(lr=0.01))
