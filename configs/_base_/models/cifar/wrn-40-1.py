_base_ = 'wrn-16-1.py'
model = dict(backbone=dict(depth=40))
