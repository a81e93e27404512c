# In no model zoo. Train it first:
#   python tools/train.py configs/classification/baseline/resnet50_1xb64-240e_cifar100.py
# or convert the literature's own, as published with RepDistiller or mdistiller:
#   python tools/convert_published.py resnet50 PUBLISHED.pth \
#       work_dirs/resnet50_1xb64-240e_cifar100/epoch_240.pth
teacher = dict(
    config='{{ fileDirname }}/../../classification/baseline/resnet50_1xb64-240e_cifar100.py',
    checkpoint='work_dirs/resnet50_1xb64-240e_cifar100/epoch_240.pth',
)
