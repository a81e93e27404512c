# LumiNet (arXiv 2310.03669) on sigmoid heads, values as in luminet_coco.py. Softmax and statistics
# are those of the foreground rows; background would fill the statistics of every class.
_base_ = 'luminet_coco.py'

distill = dict(
    logits=dict(type='mmlogitkd.DenseHeadLogits', activation='softmax', rows='foreground'),
)
