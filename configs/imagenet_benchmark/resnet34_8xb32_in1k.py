# mmpretrain's own, for the study to name: a teacher.
_base_ = 'mmpretrain::resnet/resnet34_8xb32_in1k.py'
