# Blood cells: BCCD (MIT licence), 205 training and 87 validation images.
_base_ = 'small-coco.py'
data_root = 'data/bccd/'
metainfo = dict(classes=('RBC', 'WBC', 'Platelets'))
dataset = dict(data_root=data_root, data_prefix=dict(img='images/'), metainfo=metainfo)
train_dataloader = dict(dataset=dict(ann_file='annotations/instances_train.json', **dataset))
val_dataloader = dict(dataset=dict(ann_file='annotations/instances_val.json', **dataset))
val_evaluator = dict(ann_file=data_root + 'annotations/instances_val.json')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=50),
    dict(type='CosineAnnealingLR', T_max=40, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=40, val_interval=40)
