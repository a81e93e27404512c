# SD-KD (arXiv 2403.13512) on ImageNet, architectures that differ.
_base_ = 'sd-kd_in1k.py'

distill = dict(losses=dict(loss_sdd=dict(scales=(1, 2, 4))))
