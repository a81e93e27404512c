# A CIFAR-100 classifier of the distillation literature, without its backbone. The statistics are
# the literature's, times 255; mmpretrain's CIFAR100 dataset yields RGB, so nothing is swapped.
# The linear layer starts as mmpretrain's: normal with a deviation of 0.01, biases 0.
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(
        type='ClsDataPreprocessor',
        num_classes=100,
        mean=[0.5071 * 255, 0.4867 * 255, 0.4408 * 255],
        std=[0.2675 * 255, 0.2565 * 255, 0.2761 * 255],
        to_rgb=False,
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=100,
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0),
    ),
)
