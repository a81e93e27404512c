# In no model zoo; train it first:
#   python tools/train.py configs/classification/baseline/resnet50_8xb16_cifar100-128px.py
teacher = dict(
    config='{{ fileDirname }}/../../classification/baseline/resnet50_8xb16_cifar100-128px.py',
    checkpoint='work_dirs/resnet50_8xb16_cifar100-128px/epoch_200.pth',
)
