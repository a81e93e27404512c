# SDD's configs (arXiv 2403.13512) train on CUB-200-2011 by the recipe of CIFAR-100; an epoch has
# 93 iterations.
_base_ = 'cifar100-240e.py'
default_hooks = dict(logger=dict(interval=50))
