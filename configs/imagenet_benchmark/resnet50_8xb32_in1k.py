# mmpretrain's own, for the study to name: a teacher.
_base_ = 'mmpretrain::resnet/resnet50_8xb32_in1k.py'
