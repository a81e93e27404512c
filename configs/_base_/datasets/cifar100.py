# CIFAR-100 as the distillation literature feeds it: 64 images, padded crops and flips. The
# statistics are the model's own (configs/_base_/models/cifar), so none stand beside it.
_base_ = 'mmpretrain::_base_/datasets/cifar100_bs16.py'
data_preprocessor = None
train_dataloader = dict(batch_size=64)
val_dataloader = dict(batch_size=64)
val_evaluator = dict(topk=(1, 5))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
