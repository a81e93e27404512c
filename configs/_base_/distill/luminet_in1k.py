# LumiNet (arXiv 2310.03669) on ImageNet; its warm-up of one epoch is none.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_luminet=dict(type='mmlogitkd.LumiNetLoss', alpha=2.0, temperature=0.7)),
)
