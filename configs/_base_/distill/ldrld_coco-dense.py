# LDRLD (arXiv 2507.15911) on sigmoid heads, values as in ldrld_coco.py. Its softmaxes compare the
# classes of a row with each other, which means something where an object is: foreground rows.
_base_ = 'ldrld_coco.py'

distill = dict(
    logits=dict(type='mmlogitkd.DenseHeadLogits', activation='softmax', rows='foreground'),
)
