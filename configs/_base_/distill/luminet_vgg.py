# LumiNet (arXiv 2310.03669) for VGG13 -> VGG8 on CIFAR-100.
_base_ = 'luminet.py'

distill = dict(
    losses=dict(loss_luminet=dict(alpha=70.0, temperature=8.0)),
    task_weight=1.0,
)
