# BCKD's classification loss (arXiv 2308.14286), published for dense heads, on queries: each with
# the partner of a Hungarian assignment between both models' predictions, in the last decoder layer.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_bckd=dict(type='mmlogitkd.BinaryKDLoss', beta=1.0)),
    logits=dict(type='mmlogitkd.QueryHeadLogits', rows='all', match='predictions'),
)
