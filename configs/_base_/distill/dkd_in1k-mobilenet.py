# DKD (arXiv 2203.08679) on ImageNet, ResNet50 -> MobileNetV1.
_base_ = 'dkd_in1k.py'

distill = dict(losses=dict(loss_dkd=dict(beta=2.0)))
