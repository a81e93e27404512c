# WTTM (arXiv 2402.11148) on ImageNet, ResNet50 -> MobileNetV1.
_base_ = 'wttm.py'

distill = dict(losses=dict(loss_wttm=dict(gamma=0.7, loss_weight=3.5)))
