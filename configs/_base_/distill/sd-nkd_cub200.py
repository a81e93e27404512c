# SD-NKD (arXiv 2403.13512) on CUB-200, all pairs: the authors' released configs, over NKD as
# corrected.
_base_ = 'sd-nkd.py'

distill = dict(losses=dict(loss_sdd=dict(scales=(1, 2, 4))))
