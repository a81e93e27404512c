# In no model zoo; train it first:
#   python tools/train.py configs/classification/baseline/resnet50_1xb64-240e_cub200.py
teacher = dict(
    config='{{ fileDirname }}/../../classification/baseline/resnet50_1xb64-240e_cub200.py',
    checkpoint='work_dirs/resnet50_1xb64-240e_cub200/epoch_240.pth',
)
