# In no model zoo; tools/study.py trains it first, or:
#   python tools/train.py configs/demo_detection/faster-rcnn_r18-w16_fpn_1xb8-8e_scenes.py
teacher = dict(
    config='{{ fileDirname }}/../../demo_detection/faster-rcnn_r18-w16_fpn_1xb8-8e_scenes.py',
    checkpoint='work_dirs/faster-rcnn_r18-w16_fpn_1xb8-8e_scenes/epoch_8.pth',
)
