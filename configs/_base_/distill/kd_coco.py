# KD (arXiv 1503.02531) on the boxes of two-stage detectors. No setting is published for it on COCO:
# temperature and weight are those that DKD's authors (arXiv 2203.08679) use there.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_kd=dict(type='mmlogitkd.KDLoss', temperature=1.0)),
)
