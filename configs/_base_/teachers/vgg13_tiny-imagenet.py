# In no model zoo; train it first:
#   python tools/train.py configs/classification/baseline/vgg13_1xb256-200e_tiny-imagenet.py
teacher = dict(
    config='{{ fileDirname }}/../../classification/baseline/vgg13_1xb256-200e_tiny-imagenet.py',
    checkpoint='work_dirs/vgg13_1xb256-200e_tiny-imagenet/epoch_200.pth',
)
