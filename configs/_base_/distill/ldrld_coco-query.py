# LDRLD (arXiv 2507.15911) on sigmoid heads with queries, values as in ldrld_coco.py. Its softmaxes
# compare the classes of a row with each other: the queries of the same object in both models.
_base_ = 'ldrld_coco.py'

distill = dict(
    logits=dict(
        type='mmlogitkd.QueryHeadLogits', activation='softmax', rows='foreground', match='objects'
    ),
)
