# LumiNet (arXiv 2310.03669) for WRN-40-2 -> ShuffleNetV1 on CIFAR-100. Another version of the
# authors' config of that pair has a weight of 2 for the cross-entropy.
_base_ = 'luminet.py'

distill = dict(
    losses=dict(loss_luminet=dict(alpha=35.0, temperature=4.0)),
    task_weight=1.0,
)
