# WTTM (arXiv 2402.11148) on ImageNet, ResNet34 -> ResNet18.
_base_ = 'wttm.py'

distill = dict(losses=dict(loss_wttm=dict(gamma=0.8, loss_weight=1.6)))
