# LumiNet (arXiv 2310.03669) for ResNet50 -> MobileNetV2 and VGG13 -> MobileNetV2 on CIFAR-100.
_base_ = 'luminet.py'

distill = dict(losses=dict(loss_luminet=dict(alpha=70.0, temperature=8.0)))
