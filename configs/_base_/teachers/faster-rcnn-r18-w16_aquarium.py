# In no model zoo; tools/study.py trains it first, or:
#   python tools/train.py configs/aquarium_study/faster-rcnn_r18-w16_fpn_1xb8-20e_aquarium.py
teacher = dict(
    config='{{ fileDirname }}/../../aquarium_study/faster-rcnn_r18-w16_fpn_1xb8-20e_aquarium.py',
    checkpoint='work_dirs/faster-rcnn_r18-w16_fpn_1xb8-20e_aquarium/epoch_20.pth',
)
