# LDRLD (arXiv 2507.15911) on sigmoid heads with queries. Its softmaxes compare the classes of a row
# with each other: the queries of the same object in both models. No setting is published for
# detectors: values and weight are those of ldrld_coco-dense.py, whose rows and divisor are alike.
_base_ = 'ldrld.py'

distill = dict(
    losses=dict(loss_ldrld=dict(loss_weight=0.1)),
    logits=dict(
        type='mmlogitkd.QueryHeadLogits', activation='softmax', rows='foreground', match='objects'
    ),
)
