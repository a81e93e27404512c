# KD on standardised logits (arXiv 2403.01427) on ImageNet, ResNet34 -> ResNet18: the authors'
# command, over a config whose weight of the student's own loss is 1.
_base_ = 'lskd-kd.py'

distill = dict(task_weight=1.0)
