# GDKD (arXiv 2512.04625) on ImageNet, ResNet50 -> MobileNetV1: the authors' config.
_base_ = 'gdkd_in1k.py'

distill = dict(losses=dict(loss_gdkd=dict(w1=2.0, w2=2.0)))
