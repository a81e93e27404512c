# SD-DKD (arXiv 2403.13512) on CUB-200 with VGG13 as the teacher: the authors' released configs.
_base_ = 'sd-dkd_cub200.py'

distill = dict(losses=dict(loss_sdd=dict(base=dict(beta=6.0))))
