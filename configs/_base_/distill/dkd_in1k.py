# DKD (arXiv 2203.08679) on ImageNet, ResNet34 -> ResNet18: the authors' released config; no
# warm-up. The paper's runs had alpha 0.5, by which, the authors say, the accuracy hardly changes.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_dkd=dict(type='mmlogitkd.DKDLoss', alpha=1.0, beta=0.5, temperature=1.0)),
)
