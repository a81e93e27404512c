# BCKD's classification loss (arXiv 2308.14286) for GFL R101 -> R50 on COCO, without its box loss:
# every row, by its label weight, divided by the number of positives as the head's own loss.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_bckd=dict(type='mmlogitkd.BinaryKDLoss', beta=1.0)),
    logits=dict(type='mmlogitkd.DenseHeadLogits', rows='all'),
)
