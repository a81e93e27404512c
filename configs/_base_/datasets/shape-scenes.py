# Generated scenes of striped shapes, as `make demo-detection` writes them.
_base_ = 'small-coco.py'
data_root = 'data/shape_scenes/'
classes = tuple(
    f'{angle}_{outline}' for angle in (0, 45, 90, 135) for outline in ('disc', 'square', 'triangle')
)
dataset = dict(data_root=data_root, metainfo=dict(classes=classes))
resize = dict(type='Resize', scale=(128, 128), keep_ratio=True)
train_dataloader = dict(
    dataset=dict(
        ann_file='annotations/instances_train.json',
        data_prefix=dict(img='train/'),
        # without a flip, which would change the class
        pipeline=[_base_.load, _base_.annotate, resize, dict(type='PackDetInputs')],
        **dataset,
    )
)
val_dataloader = dict(
    dataset=dict(
        ann_file='annotations/instances_val.json',
        data_prefix=dict(img='val/'),
        pipeline=[_base_.load, resize, _base_.annotate, _base_.pack],
        **dataset,
    )
)
val_evaluator = dict(ann_file=data_root + 'annotations/instances_val.json')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=50),
    dict(type='CosineAnnealingLR', T_max=8, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=8, val_interval=8)
