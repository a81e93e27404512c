# SD-NKD (arXiv 2403.13512) on CUB-200 with VGG13 as the teacher: the authors' code reads gamma
# from DKD's beta, which their configs of this teacher set to 6.
_base_ = 'sd-nkd_cub200.py'

distill = dict(losses=dict(loss_sdd=dict(base=dict(gamma=6.0))))
