# SD-DKD (arXiv 2403.13512) on CUB-200, all pairs: the authors' released configs.
_base_ = 'sd-dkd.py'

distill = dict(losses=dict(loss_sdd=dict(scales=(1, 2, 4))))
