# GDKD (arXiv 2512.04625) for ResNet50 -> MobileNetV2 on CIFAR-100: the authors' config.
_base_ = 'gdkd.py'

distill = dict(losses=dict(loss_gdkd=dict(w1=1.0)))
