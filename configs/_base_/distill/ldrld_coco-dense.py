# LDRLD (arXiv 2507.15911) on sigmoid heads. Its softmaxes compare the classes of a row with each
# other, which means something where an object is: foreground rows. No setting is published for
# detectors: the values are those of CIFAR-100, the only published ones, times a weight that was
# the best of 0.1, 0.3 and 1 in a first look at generated scenes, with smaller networks than those
# of configs/demo_detection.
_base_ = 'ldrld.py'

distill = dict(
    losses=dict(loss_ldrld=dict(loss_weight=0.1)),
    logits=dict(type='mmlogitkd.DenseHeadLogits', activation='softmax', rows='foreground'),
)
