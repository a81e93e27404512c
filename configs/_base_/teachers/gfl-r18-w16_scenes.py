# In no model zoo; tools/study.py trains it first, or:
#   python tools/train.py configs/demo_detection/gfl_r18-w16_fpn_1xb8-8e_scenes.py
teacher = dict(
    config='{{ fileDirname }}/../../demo_detection/gfl_r18-w16_fpn_1xb8-8e_scenes.py',
    checkpoint='work_dirs/gfl_r18-w16_fpn_1xb8-8e_scenes/epoch_8.pth',
)
