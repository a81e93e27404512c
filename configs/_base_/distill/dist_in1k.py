# DIST (arXiv 2205.10536) on ImageNet.
_base_ = 'dist.py'

distill = dict(losses=dict(loss_dist=dict(temperature=1.0)))
