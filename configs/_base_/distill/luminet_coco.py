# LumiNet (arXiv 2310.03669) on the boxes of two-stage detectors. No setting is published for
# detectors: the values are those of ImageNet, whose task weight is 1 too.
_base_ = 'luminet_in1k.py'
