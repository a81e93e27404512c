# Aquarium (Roboflow, CC BY 4.0), 448 training and 127 validation images, longest side 640.
_base_ = 'small-coco.py'
data_root = 'data/aquarium/'
metainfo = dict(classes=('fish', 'jellyfish', 'penguin', 'puffin', 'shark', 'starfish', 'stingray'))
dataset = dict(data_root=data_root, data_prefix=dict(img='images/'), metainfo=metainfo)
train_dataloader = dict(dataset=dict(ann_file='annotations/instances_train.json', **dataset))
val_dataloader = dict(dataset=dict(ann_file='annotations/instances_valid.json', **dataset))
val_evaluator = dict(ann_file=data_root + 'annotations/instances_valid.json')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=50),
    dict(type='CosineAnnealingLR', T_max=20, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=20)
