# In no model zoo; tools/demo.py trains it first, or:
#   python tools/train.py configs/demo/resnet20_1xb64-12e_shapes24.py
teacher = dict(
    config='{{ fileDirname }}/../../demo/resnet20_1xb64-12e_shapes24.py',
    checkpoint='work_dirs/resnet20_1xb64-12e_shapes24/epoch_12.pth',
)
