# DKD (arXiv 2203.08679) on CIFAR-100 with VGG13 as the teacher; SDD's configs (arXiv 2403.13512)
# take the same on CUB-200.
_base_ = 'dkd.py'

distill = dict(losses=dict(loss_dkd=dict(beta=6.0)))
