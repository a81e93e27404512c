# In no model zoo; tools/study.py trains it first, or:
#   python tools/train.py configs/bccd_study/faster-rcnn_r18-w16_fpn_1xb8-12e_bccd.py
teacher = dict(
    config='{{ fileDirname }}/../../bccd_study/faster-rcnn_r18-w16_fpn_1xb8-12e_bccd.py',
    checkpoint='work_dirs/faster-rcnn_r18-w16_fpn_1xb8-12e_bccd/epoch_12.pth',
)
