# A small set in COCO's format, at 256 pixels, trained from scratch. Who inherits names the set.
_base_ = 'mmdet::_base_/default_runtime.py'
load = dict(type='LoadImageFromFile')
annotate = dict(type='LoadAnnotations', with_bbox=True)
resize = dict(type='Resize', scale=(256, 256), keep_ratio=True)
pack = dict(
    type='PackDetInputs',
    meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
)
loader = dict(batch_size=8, num_workers=0, persistent_workers=False)
train_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='CocoDataset',
        pipeline=[
            load,
            annotate,
            resize,  # with the boxes
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackDetInputs'),
        ],
    ),
)
val_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CocoDataset',
        test_mode=True,
        pipeline=[load, resize, annotate, pack],
    ),
)
val_evaluator = dict(type='CocoMetric', metric='bbox')
test_dataloader = val_dataloader
test_evaluator = val_evaluator

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=10),
)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    logger=dict(interval=20),
    checkpoint=dict(save_optimizer=False, save_param_scheduler=False, max_keep_ckpts=1),
)
randomness = dict(seed=0)
