# SD-NKD (arXiv 2403.13512) on CIFAR-100, architectures that differ.
_base_ = 'sd-nkd.py'

distill = dict(losses=dict(loss_sdd=dict(scales=(1, 2, 4))))
