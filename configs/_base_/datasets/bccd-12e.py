# Blood cells, a third of the epochs.
_base_ = 'bccd.py'
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=50),
    dict(type='CosineAnnealingLR', T_max=12, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=12, val_interval=12)
