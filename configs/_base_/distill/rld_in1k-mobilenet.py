# RLD (arXiv 2408.07703) on ImageNet, ResNet50 -> MobileNetV1: the authors' released config.
_base_ = 'rld_in1k.py'

distill = dict(losses=dict(loss_rld=dict(beta=2.0)))
