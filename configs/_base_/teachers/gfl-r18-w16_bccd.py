# In no model zoo; tools/study.py trains it first, or:
#   python tools/train.py configs/bccd_study/gfl_r18-w16_fpn_1xb8-40e_bccd.py
teacher = dict(
    config='{{ fileDirname }}/../../bccd_study/gfl_r18-w16_fpn_1xb8-40e_bccd.py',
    checkpoint='work_dirs/gfl_r18-w16_fpn_1xb8-40e_bccd/epoch_40.pth',
)
