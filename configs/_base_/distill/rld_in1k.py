# RLD (arXiv 2408.07703) on ImageNet, ResNet34 -> ResNet18: the authors' released config.
_base_ = 'hook.py'

distill = dict(
    losses=dict(
        loss_rld=dict(
            type='mmlogitkd.RLDLoss',
            alpha=1.0,
            beta=0.5,
            temperature=1.0,
            alpha_temperature=1.0,
        )
    ),
)
