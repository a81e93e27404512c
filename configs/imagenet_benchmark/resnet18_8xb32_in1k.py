# mmpretrain's own, for the study to name: a student.
_base_ = 'mmpretrain::resnet/resnet18_8xb32_in1k.py'
