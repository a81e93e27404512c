# In no model zoo; tools/study.py trains it first, or:
#   python tools/train.py configs/cifar100_methods/resnet20_1xb64-24e_cifar100-5k.py
teacher = dict(
    config='{{ fileDirname }}/../../cifar100_methods/resnet20_1xb64-24e_cifar100-5k.py',
    checkpoint='work_dirs/resnet20_1xb64-24e_cifar100-5k/epoch_24.pth',
)
