# LumiNet (arXiv 2310.03669) on ImageNet: the authors' released config of
# ResNet50 -> MobileNetV1. Versions of theirs of ResNet34 -> ResNet18 have a temperature of 1 too.
# Its warm-up of one epoch is none.
_base_ = 'hook.py'

distill = dict(
    losses=dict(loss_luminet=dict(type='mmlogitkd.LumiNetLoss', alpha=2.0, temperature=0.7)),
)
