# In no model zoo; tools/study.py trains it first, or:
#   python tools/train.py configs/cifar100_study/resnet20_1xb64-30e_cifar100-12k5.py
teacher = dict(
    config='{{ fileDirname }}/../../cifar100_study/resnet20_1xb64-30e_cifar100-12k5.py',
    checkpoint='work_dirs/resnet20_1xb64-30e_cifar100-12k5/epoch_30.pth',
)
