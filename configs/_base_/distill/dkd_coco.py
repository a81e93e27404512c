# DKD (arXiv 2203.08679) on COCO: Faster R-CNN with shared boxes, background included; no warm-up.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_dkd=dict(type='mmlogitkd.DKDLoss', alpha=1.0, beta=0.25, temperature=1.0)),
)
