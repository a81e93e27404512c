# MLKD (CVPR 2023) on CIFAR-100. The authors also train on a strongly augmented second view of every
# image; this is the loss on one view.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_mlkd=dict(type='mmlogitkd.MLKDLoss', temperatures=(2, 3, 4, 5, 6), loss_weight=0.9)
    ),
    task_weight=0.1,
)
