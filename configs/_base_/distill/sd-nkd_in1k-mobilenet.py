# SD-NKD (arXiv 2403.13512) on ImageNet, ResNet50 -> MobileNetV1.
_base_ = 'sd-nkd_in1k.py'

distill = dict(losses=dict(loss_sdd=dict(scales=(1, 2, 4), base=dict(gamma=2.0))))
