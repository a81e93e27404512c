# In no model zoo; tools/study.py trains it first, or:
#   python tools/train.py configs/aquarium_study/gfl_r18-w16_fpn_1xb8-30e_aquarium.py
teacher = dict(
    config='{{ fileDirname }}/../../aquarium_study/gfl_r18-w16_fpn_1xb8-30e_aquarium.py',
    checkpoint='work_dirs/gfl_r18-w16_fpn_1xb8-30e_aquarium/epoch_30.pth',
)
