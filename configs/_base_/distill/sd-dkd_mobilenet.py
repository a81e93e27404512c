# SD-DKD (arXiv 2403.13512) on CIFAR-100, architectures that differ.
_base_ = 'sd-dkd.py'

distill = dict(losses=dict(loss_sdd=dict(scales=(1, 2, 4))))
