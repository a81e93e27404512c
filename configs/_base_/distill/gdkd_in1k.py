# GDKD (arXiv 2512.04625) on ImageNet, ResNet34 -> ResNet18: the authors' released config.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_gdkd=dict(type='mmlogitkd.GDKDLoss', topk=5, w0=0.5, w1=1.0, w2=1.0, temperature=1.0)
    ),
)
