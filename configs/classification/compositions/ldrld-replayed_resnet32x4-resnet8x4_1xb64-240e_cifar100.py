# Hyper-parameters: as published for this pair; that images come in 20 versions is ours.
_base_ = '../ldrld/ldrld_resnet32x4-resnet8x4_1xb64-240e_cifar100.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmlogitkd.ReplayDataset',
        views=20,
        dataset=_base_.train_dataloader.dataset,
    )
)
