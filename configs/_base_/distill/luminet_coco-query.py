# LumiNet (arXiv 2310.03669) on sigmoid heads with queries, values as in luminet_coco.py. Softmax
# and statistics are those of the queries of the same object in both models.
_base_ = 'luminet_coco.py'

distill = dict(
    logits=dict(
        type='mmlogitkd.QueryHeadLogits', activation='softmax', rows='foreground', match='objects'
    ),
)
