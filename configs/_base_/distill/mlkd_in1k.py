# MLKD (CVPR 2023) on ImageNet: the temperature of 4 becomes 1. One view of every image, as in
# mlkd.py.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_mlkd=dict(type='mmlogitkd.MLKDLoss', temperatures=(1, 2, 3, 5, 6), loss_weight=0.5)
    ),
    task_weight=0.5,
)
