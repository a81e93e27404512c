# In no model zoo; train it first:
#   python tools/train.py configs/classification/baseline/resnet50_1xb256-200e_tiny-imagenet.py
teacher = dict(
    config='{{ fileDirname }}/../../classification/baseline/resnet50_1xb256-200e_tiny-imagenet.py',
    checkpoint='work_dirs/resnet50_1xb256-200e_tiny-imagenet/epoch_200.pth',
)
