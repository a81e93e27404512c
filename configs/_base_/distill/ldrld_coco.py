# LDRLD (arXiv 2507.15911) on the boxes of two-stage detectors. No setting is published for
# detectors: the values are those of CIFAR-100, the only published ones.
_base_ = 'ldrld.py'
