# In no model zoo; train it first:
#   python tools/train.py configs/classification/baseline/resnet34_8xb16_cifar100.py
teacher = dict(
    config='{{ fileDirname }}/../../classification/baseline/resnet34_8xb16_cifar100.py',
    checkpoint='work_dirs/resnet34_8xb16_cifar100/epoch_200.pth',
)
