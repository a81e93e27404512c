# LumiNet (arXiv 2310.03669) for WRN-40-2 -> ShuffleNetV1 on CIFAR-100.
_base_ = 'luminet.py'

distill = dict(losses=dict(loss_luminet=dict(alpha=35.0)), task_weight=1.0)
