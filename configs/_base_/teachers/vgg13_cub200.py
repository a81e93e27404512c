# In no model zoo; train it first:
#   python tools/train.py configs/classification/baseline/vgg13_1xb64-240e_cub200.py
teacher = dict(
    config='{{ fileDirname }}/../../classification/baseline/vgg13_1xb64-240e_cub200.py',
    checkpoint='work_dirs/vgg13_1xb64-240e_cub200/epoch_240.pth',
)
